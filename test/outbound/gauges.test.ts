import { expect, it } from "vitest";
import type { OutboundAsk } from "../../src/outbound/gauges.ts";
import { answering, createScene, deadPort, measure, startTcp } from "./scene.ts";

const asks = (url: string): OutboundAsk[] => [
  { kind: "prometheus", url, query: "up", headers: {}, at: 0 },
  { kind: "http", url, path: "$", headers: {} },
];

it("may say 1 MiB and no more", async () => {
  const fits = await answering(`"${"x".repeat(1_048_574)}"`);
  const tooLarge = await answering(`"${"x".repeat(1_048_575)}"`);
  for (const [index, ask] of asks(fits.url).entries()) {
    const small = await measure(createScene(), ask);
    const large = await measure(createScene(), { ...ask, url: tooLarge.url });
    expect(JSON.stringify(small), String(index)).not.toContain("larger than");
    expect(large).toMatchObject({
      fault: { class: "refuse", message: expect.stringContaining("larger than 1024 KiB") },
    });
  }
});

it("may be asked again where nobody was there, or who was there hung up", async () => {
  const cut = await startTcp((socket) => socket.once("data", () => socket.destroy()));
  for (const url of [`http://127.0.0.1:${await deadPort()}`, cut.url]) {
    for (const ask of asks(url)) {
      expect(await measure(createScene(), ask)).toMatchObject({
        ok: false,
        fault: { class: "repeat", code: "Network" },
      });
    }
  }
  expect(cut.connections()).toBe(2);
});

it("isn't asked past the deadline, by a malformed URL, or without its secret", async () => {
  const stranger = await answering("1");
  for (const ask of asks(stranger.url)) {
    const scene = createScene();
    expect(await scene.gauges.measure(ask, scene.now)).toMatchObject({ fault: { code: "Timeout" } });
    expect(await measure(scene, { ...ask, url: "prometheus:9090" })).toMatchObject({
      fault: { code: "BadUrl" },
    });
    const headers = { a: { secret: "NONE" } };
    expect(await measure(scene, { ...ask, headers })).toMatchObject({
      fault: { class: "stuck", code: "NoSecret" },
    });
  }
  expect(stranger.connections()).toBe(0);
});
