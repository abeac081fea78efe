import { expect, it } from "vitest";
import type { OutboundAsk } from "../../src/outbound/gauges.ts";
import { answering, createScene, measure } from "./scene.ts";

const action = "http:get";
const asking = (url: string, path: string): OutboundAsk => ({
  kind: "http",
  url: `${url}/stats?of=green`,
  path,
  headers: { authorization: { secret: "TOKEN" } },
});
const document = {
  errors: { rate: 0.25, count: 0, none: null, huge: 0 },
  healthy: true,
  version: "1.2.3",
  long: "x".repeat(501),
  checks: [
    { name: "a", ok: true, ms: 12 },
    { name: "b", ok: false, ms: 30 },
  ],
  "odd key": 7,
};

it("is asked for by one GET, with its headers", async () => {
  const stranger = await answering(document);
  await measure(createScene(), asking(stranger.url, "$.healthy"));
  expect(stranger.received).toMatchObject([
    { method: "GET", path: "/stats?of=green", headers: { accept: "application/json" } },
  ]);
  expect(stranger.received[0]?.headers.authorization).toContain("s3cret");
});

it.each([
  ["$.errors.rate", { kind: "value", value: 0.25 }],
  ["$.errors.count", { kind: "value", value: 0 }],
  ["$.healthy", { kind: "value", value: true }],
  ["$.version", { kind: "value", value: "1.2.3" }],
  ["$['odd key']", { kind: "value", value: 7 }],
  ["$.checks[-1].ms", { kind: "value", value: 30 }],
  ["$.checks[?@.name == 'a'].ms", { kind: "value", value: 12 }],
  ["$..rate", { kind: "value", value: 0.25 }],
  ["$.checks[?search(@.name, '^b')].ms", { kind: "value", value: 30 }],
  ["$.errors.none", { kind: "nothing", why: "there is null at $.errors.none" }],
  ["$.absent.rate", { kind: "nothing", why: "there is nothing at $.absent.rate" }],
  [
    "$.checks[?@.name == 'c'].ms",
    { kind: "nothing", why: "there is nothing at $.checks[?@.name == 'c'].ms" },
  ],
])("gives what is at %s", async (path, value) => {
  const stranger = await answering(document);
  const scene = createScene();
  expect(await measure(scene, asking(stranger.url, path))).toEqual({ ok: true, value, at: scene.now });
});

it("gives no number that no record can hold", async () => {
  const stranger = await answering('{"a": 1e999}');
  expect(await measure(createScene(), asking(stranger.url, "$.a"))).toMatchObject({
    ok: true,
    value: { kind: "nothing", why: "the value is Infinity" },
  });
});

it.each([
  ["$.checks[*].ms", "must give one value, gave 2"],
  ["$.checks", "must give a number, a text or a truth value, gave a list"],
  ["$.errors", "must give a number, a text or a truth value, gave an object"],
  ["$.long", "gave a text longer than 500 characters"],
  ["$.checks[", "the path $.checks[: unclosed"],
  ["errors.rate", "the path errors.rate: "],
  ["$.checks[?nonsense(@)]", "no such function 'nonsense'"],
  ["$.constructor.constructor('return 1')()", "the path $.constructor"],
])("at %s is refused", async (path, words) => {
  const stranger = await answering(document);
  const scene = createScene();
  expect(await measure(scene, asking(stranger.url, path))).toEqual({
    ok: false,
    fault: { class: "refuse", code: "BadAnswer", message: expect.stringContaining(words), action },
    at: scene.now,
  });
});

it.each([
  [
    "a regular expression that backtracks for ever",
    "$[?search(@.a, '(a+)+b')].n",
    [{ a: "a".repeat(60), n: 1 }],
  ],
  [
    "filters within filters",
    "$[?count($[?count($[?count($..*) > 9]) > 9]) > 9]",
    Array.from({ length: 2_000 }, () => 1),
  ],
  ["an answer nested without end", "$..a", "[".repeat(500_000) + "]".repeat(500_000)],
])("%s ends soon", async (_, path, said) => {
  const stranger = await answering(said);
  expect(await measure(createScene(), asking(stranger.url, path))).toMatchObject({
    ok: false,
    fault: { class: "refuse", code: "BadAnswer", message: expect.stringContaining(`the path ${path}: `) },
  });
});
