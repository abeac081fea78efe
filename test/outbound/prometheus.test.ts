import { expect, it } from "vitest";
import type { OutboundAsk } from "../../src/outbound/gauges.ts";
import { answering, createScene, measure } from "./scene.ts";

const action = "prometheus:query";
const asking = (url: string, query = "up"): OutboundAsk => ({
  kind: "prometheus",
  url,
  query,
  headers: {},
  at: 1_600_000_000_250,
});
const success = (resultType: string, result: unknown, more: object = {}) => ({
  status: "success",
  data: { resultType, result },
  ...more,
});
const series = (...values: string[]) =>
  values.map((value, index) => ({ metric: { instance: String(index) }, value: [1_600_000_000.25, value] }));

it.each([
  ["", "/api/v1/query?query="],
  ["/", "/api/v1/query?query="],
  ["/prometheus/", "/prometheus/api/v1/query?query="],
  ["/t?tenant=a", "/t/api/v1/query?tenant=a&query="],
])("at %j is asked for the moment's value", async (path, begins) => {
  const stranger = await answering(success("scalar", [1_600_000_000.25, "1"]));
  const scene = createScene();
  const query = 'sum(rate(errors{job="a&b"}[5m])) + 1';
  await measure(scene, {
    ...asking(stranger.url + path, query),
    headers: { "x-scope": { secret: "TOKEN" } },
  });
  expect(stranger.received).toHaveLength(1);
  const [{ method, path: asked, headers } = expect.fail()] = stranger.received;
  expect(method).toBe("GET");
  expect(asked.startsWith(begins)).toBe(true);
  expect(headers["x-scope"]).toContain("s3cret");
  const { searchParams } = new URL(asked, stranger.url);
  expect([searchParams.get("query"), searchParams.get("time")]).toEqual([query, "1600000000.25"]);
});

it("is asked by POST what is too long for a URL", async () => {
  const stranger = await answering(success("scalar", [1, "1"]));
  const query = `up{a="${"x".repeat(3_000)}"}`;
  await measure(createScene(), asking(stranger.url, query));
  const [{ method, path, headers, body } = expect.fail()] = stranger.received;
  expect([method, path, headers["content-type"]]).toEqual([
    "POST",
    "/api/v1/query",
    "application/x-www-form-urlencoded",
  ]);
  expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ query, time: "1600000000.25" });
});

it.each([
  ["a scalar", success("scalar", [1, "0.25"]), { kind: "value", value: 0.25 }],
  ["one series", success("vector", series("1e-3")), { kind: "value", value: 0.001 }],
  ["a negative one", success("vector", series("-7")), { kind: "value", value: -7 }],
  [
    "one, with warnings",
    success("vector", series("3"), { warnings: ["w"], infos: ["i"] }),
    { kind: "value", value: 3 },
  ],
  ["no series", success("vector", []), { kind: "nothing", why: "the query found no series" }],
  ["NaN", success("vector", series("NaN")), { kind: "nothing", why: "the value is NaN" }],
  ["+Inf", success("scalar", [1, "+Inf"]), { kind: "nothing", why: "the value is +Inf" }],
  ["-Inf", success("vector", series("-Inf")), { kind: "nothing", why: "the value is -Inf" }],
])("that says %s", async (_, said, value) => {
  const stranger = await answering(said);
  const scene = createScene();
  expect(await measure(scene, asking(stranger.url))).toEqual({ ok: true, value, at: scene.now });
});

it.each([
  [
    "three series",
    success("vector", series("1", "2", "3")),
    "the query must give one value, gave 3; aggregate it, e.g. by sum()",
  ],
  ["a matrix", success("matrix", [{ metric: {}, values: [[1, "1"]] }]), "did not answer as Prometheus does"],
  ["a text", success("string", [1, "1"]), "did not answer as Prometheus does"],
  [
    "a histogram",
    success("vector", [{ metric: {}, histogram: [1, {}] }]),
    "did not answer as Prometheus does",
  ],
  ["no number", success("scalar", [1, "<b>"]), "did not answer as Prometheus does"],
  ["something else", { status: "up" }, "did not answer as Prometheus does"],
  ["no JSON", "<html>", "answered 200, but not with JSON"],
])("that says %s is refused", async (_, said, words) => {
  const stranger = await answering(said);
  const scene = createScene();
  expect(await measure(scene, asking(stranger.url))).toEqual({
    ok: false,
    fault: { class: "refuse", code: "BadAnswer", message: expect.stringContaining(words), action },
    at: scene.now,
  });
});

it.each([
  [
    400,
    { status: "error", errorType: "bad_data", error: "1:2: parse\nerror" },
    "refuse",
    ": 1:2: parse error",
  ],
  [422, { status: "error", error: "many-to-many" }, "refuse", ": many-to-many"],
  [401, "Unauthorized", "refuse", ""],
  [503, { status: "error", errorType: "timeout", error: "query timed out" }, "repeat", ": query timed out"],
  [502, "<html>", "repeat", ""],
])("that answers %i", async (status, said, kind, words) => {
  const stranger = await answering(said, status);
  const { ok, fault } = (await measure(createScene(), asking(stranger.url))) as {
    ok: false;
    fault: unknown;
  };
  expect([ok, fault]).toEqual([
    false,
    { class: kind, code: `Http${status}`, message: `${stranger.url} answered ${status}${words}`, action },
  ]);
});
