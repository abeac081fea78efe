import { describe, expect, it } from "vitest";
import { type Allowance, createJudge } from "../../src/outbound/allowance.ts";
import { createSend } from "../../src/outbound/http.ts";
import { createScene, startStranger } from "./scene.ts";

const nobody: Allowance = { names: [], suffixes: [], ranges: [] };

describe("addresses that nobody listed", () => {
  const judge = createJudge(nobody, "https:");

  it.each([
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
  ])("%s is refused", (address) => {
    expect(judge("hooks.example.com", address)).toContain(`hooks.example.com is at ${address}, and that is`);
  });

  it.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "2a05:d018::1"])(
    "%s is public",
    (address) => {
      expect(judge("hooks.example.com", address)).toBeUndefined();
    },
  );

  it("are called by HTTPS only", () => {
    expect(createJudge(nobody, "http:")("hooks.example.com", "8.8.8.8")).toBe(
      "hooks.example.com is to be called by plain HTTP; use https, or list the host in TEAL_OUTBOUND_ALLOW",
    );
  });
});

describe("hosts that are listed", () => {
  const judge = createJudge(
    { names: ["prometheus.local"], suffixes: [".svc.cluster.local"], ranges: ["10.1.0.0/16", "fd00::/8"] },
    "http:",
  );

  it.each([
    ["prometheus.local", "192.168.0.1"],
    ["prometheus.local.", "192.168.0.1"],
    ["a.b.svc.cluster.local", "127.0.0.1"],
    ["whatever.example", "10.1.2.3"],
    ["10.1.2.3", "10.1.2.3"],
    ["::ffff:10.1.2.3", "::ffff:10.1.2.3"],
    ["fd12::1", "fd12::1"],
  ])("%s may be at %s", (host, address) => {
    expect(judge(host, address)).toBeUndefined();
  });

  it.each([
    ["a name that only begins so", "prometheus.local.evil.example", "10.0.0.1"],
    ["a name that only ends so", "evil-prometheus.local", "10.0.0.1"],
    ["the suffix itself", "svc.cluster.local", "10.0.0.1"],
    ["a suffix without its dot", "evilsvc.cluster.local", "10.0.0.1"],
    ["a neighbouring network", "whatever.example", "10.2.0.1"],
    ["instance metadata by a listed name", "prometheus.local", "169.254.169.254"],
    ["task credentials by a listed name", "a.svc.cluster.local", "169.254.170.2"],
    ["instance metadata within a listed network", "fd00:ec2::254", "fd00:ec2::254"],
    ["an unspecified address by a listed name", "prometheus.local", "0.0.0.0"],
    ["a multicast address by a listed name", "prometheus.local", "ff02::1"],
  ])("%s is none of them", (_, host, address) => {
    expect(judge(host, address)).toMatch(/never called|no public address/);
  });
});

const ask = (scene: ReturnType<typeof createScene>, url: string) =>
  createSend(scene.options)({
    action: "test",
    method: "GET",
    url: new URL(url),
    headers: {},
    ownHeaders: {},
    bytesMax: 1024,
    deadline: scene.now + 1_000,
  });

const addresses = (...all: string[]) => Promise.resolve(all.map((address) => ({ address })));

describe("on the wire", () => {
  it.each([
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "①②⑦.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "localhost",
  ])("%s isn't even connected to", async (host) => {
    const stranger = await startStranger((response) => response.end("{}"));
    const scene = createScene({ allow: nobody });
    await expect(ask(scene, `http://${host}:${stranger.port}/`)).rejects.toMatchObject({
      fault: { class: "refuse", code: "Forbidden" },
      unsure: false,
    });
    expect(stranger.connections()).toBe(0);
    await ask(createScene(), `${stranger.url}/`);
    expect(stranger.connections()).toBe(1);
  });

  it("a public name with a private address is refused, and both are told", async () => {
    const scene = createScene({ allow: nobody, resolve: () => addresses("10.0.0.5") });
    await expect(ask(scene, "https://hooks.example.com/")).rejects.toMatchObject({
      fault: {
        class: "refuse",
        code: "Forbidden",
        message:
          "hooks.example.com is at 10.0.0.5, and that is no public address (private); if it is meant, list the host in TEAL_OUTBOUND_ALLOW",
      },
    });
  });

  it("a name is resolved once for each call, and that very address is judged and connected to", async () => {
    const stranger = await startStranger((response) => response.end("{}"));
    const answers = ["127.0.0.1", "169.254.169.254"];
    const resolved: string[] = [];
    const scene = createScene({
      allow: { names: [], suffixes: [], ranges: ["127.0.0.1/32"] },
      resolve: (host) => {
        resolved.push(host);
        return addresses(answers[resolved.length - 1] ?? "192.0.2.1");
      },
    });
    const url = `http://rebinding.example:${stranger.port}/`;
    await expect(ask(scene, url)).resolves.toMatchObject({ status: 200 });
    expect(resolved).toEqual(["rebinding.example"]);
    await expect(ask(scene, url)).rejects.toMatchObject({ fault: { code: "Forbidden" } });
    expect(resolved).toHaveLength(2);
    expect(stranger.connections()).toBe(1);
  });

  it("of several addresses only those allowed are connected to", async () => {
    const stranger = await startStranger((response) => response.end("{}"));
    const scene = createScene({
      // Nobody listens there.
      allow: { names: [], suffixes: [], ranges: ["::1/128"] },
      resolve: () => addresses("127.0.0.1", "::1"),
    });
    await expect(ask(scene, `https://several.example:${stranger.port}/`)).rejects.toMatchObject({
      fault: { code: "Network" },
    });
    expect(stranger.connections()).toBe(0);
    scene.options.allow = { names: [], suffixes: [], ranges: ["127.0.0.1/32"] };
    await expect(ask(scene, `http://several.example:${stranger.port}/`)).resolves.toMatchObject({
      status: 200,
    });
  });
});
