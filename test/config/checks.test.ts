import { describe, expect, it } from "vitest";
import { parseCondition } from "../../src/config/condition.ts";
import { verdictDefaults } from "../../src/deployment/verdict/verdict.ts";
import { faults, read } from "./reading.ts";

describe("a condition", () => {
  it.each([
    ["value < 0.4", "and", [["<", 0.4]]],
    [
      "  value>=-1e3 and value <= +.5 ",
      "and",
      [
        [">=", -1000],
        ["<=", 0.5],
      ],
    ],
    [
      'value == "ok" or value == "a \\"b\\" c\\\\"',
      "or",
      [
        ["==", "ok"],
        ["==", 'a "b" c\\'],
      ],
    ],
    ["value != true", "and", [["!=", true]]],
    [
      'value == "and" or value == ""',
      "or",
      [
        ["==", "and"],
        ["==", ""],
      ],
    ],
  ])("is read: %s", (written, join, terms) => {
    expect(parseCondition(written).condition).toEqual({
      written: written.trim(),
      join,
      terms: terms.map(([operator, limit]) => ({ operator, limit })),
    });
  });

  it.each([
    ["", "must begin each comparison with value, as in value < 0.4; it ends before that"],
    ["result[0] < 1", "must begin each comparison with value, as in value < 0.4; it has result[0] there"],
    ["value", "must compare by one of <= >= == != < >; it ends before that"],
    ["value = 1", "must compare by one of <= >= == != < >; it has = there"],
    ["value < ", "must compare with a number, true, false or a text in double quotes; it ends before that"],
    ["value < 1s", "must compare with a number, true, false or a text in double quotes; it has 1s there"],
    [
      "value == 'ok'",
      "must compare with a number, true, false or a text in double quotes; it has 'ok' there",
    ],
    ['value == "ok', 'must compare with a number, true, false or a text in double quotes; it has " there'],
    [
      "value < 1e999",
      "must compare with a number, true, false or a text in double quotes; it has 1e999 there",
    ],
    ['value < "ok"', 'can compare "ok" only by == or !=, not by <'],
    ["value >= true", "can compare true only by == or !=, not by >="],
    ["value > 1 && value < 2", "must join comparisons by and, or by or; it has && there"],
    ["value > 1 and", "must begin each comparison with value, as in value < 0.4; it ends before that"],
    [
      "value > 1 and value < 2 or value > 3",
      "must not mix and with or: write success and failure, or two checks",
    ],
    [Array.from({ length: 9 }, () => "value > 1").join(" or "), "must be at most 8 comparisons"],
    [`value == "${"x".repeat(300)}"`, "must be at most 300 characters"],
  ])("is refused with what is allowed: %s", (written, fault) => {
    expect(parseCondition(written)).toEqual({ fault });
  });
});

const checks = (...lines: string[]) =>
  `services: {}\nchecks:\n${lines.map((line) => `  ${line}\n`).join("")}`;

describe("a check comes to", () => {
  it("its source, with defaults for the rest", () => {
    const found = read(
      checks(
        "p: { prometheus: http://prom:9090, query: up, headers: { Authorization: { secret: TOKEN }, X-Scope: a }, failure: value > 1 }",
        "c: { cloudwatch: { namespace: N, metric: M, dimensions: { TG: '{{green.targetGroup}}' }, stat: p99.9, period: 5m }, success: value < 1 }",
        "q: { cloudwatch: { queries: [{ id: a, namespace: N, metric: M, stat: Sum }, { id: e, expression: a / 2, period: 30s, return: true }] }, success: value < 1 }",
        "a: { alarms: [one, two], count: 5, interval: 30s, failureLimit: 2, inconclusiveLimit: 0, dryRun: true }",
        "h: { http: 'https://a.example/{{deployment}}', path: '$.a[0]', success: value == true }",
      ),
    ).checks;
    expect(found["p"]).toEqual({
      name: "p",
      source: {
        kind: "prometheus",
        url: "http://prom:9090",
        query: "up",
        headers: { Authorization: { secret: "TOKEN" }, "X-Scope": { text: "a" } },
      },
      failure: { written: "value > 1", join: "and", terms: [{ operator: ">", limit: 1 }] },
      intervalMs: 60_000,
      failureLimit: 0,
      inconclusiveLimit: 3,
      dryRun: false,
    });
    const metric = { namespace: "N", name: "M", dimensions: { TG: "{{green.targetGroup}}" }, stat: "p99.9" };
    expect(found["c"]?.source).toEqual({
      kind: "cloudwatch",
      queries: [{ id: "value", metric, periodSeconds: 300, returnData: true }],
    });
    const sum = { namespace: "N", name: "M", dimensions: {}, stat: "Sum" };
    expect(found["q"]?.source).toEqual({
      kind: "cloudwatch",
      queries: [
        { id: "a", metric: sum, periodSeconds: 60, returnData: false },
        { id: "e", expression: "a / 2", periodSeconds: 30, returnData: true },
      ],
    });
    expect(found["a"]).toMatchObject({
      source: { kind: "alarms", names: ["one", "two"] },
      count: 5,
      intervalMs: 30_000,
      failureLimit: 2,
      inconclusiveLimit: 0,
      dryRun: true,
    });
    expect(found["h"]?.source).toMatchObject({
      url: "https://a.example/{{deployment}}",
      path: "$.a[0]",
      headers: {},
    });
  });

  it("the built-in one, with or without numbers of the file's", () => {
    expect(read("services: {}").checks["green-vs-blue"]).toMatchObject({
      source: verdictDefaults,
      dryRun: false,
    });
    expect(
      read(checks("green-vs-blue: { alpha: 0.001, dryRun: true }")).checks["green-vs-blue"],
    ).toMatchObject({
      source: { kind: "green-vs-blue", ...verdictDefaults, alpha: 0.001 },
      intervalMs: 60_000,
      dryRun: true,
    });
  });
});

describe("what is wrong with a check", () => {
  it.each([
    [
      "no source",
      "{ success: value < 1 }",
      [" must have exactly one of prometheus, cloudwatch, alarms, http"],
    ],
    [
      "two sources",
      "{ alarms: [a], http: https://a.example }",
      [" must have exactly one of prometheus, cloudwatch, alarms, http"],
    ],
    [
      "words of another source",
      "{ alarms: [a], query: up, success: value < 1 }",
      [".query doesn't belong to alarms", ".success doesn't belong to alarms"],
    ],
    [
      "what it lacks",
      "{ prometheus: https://a.example }",
      [
        ".query is missing; prometheus needs it",
        " needs success, failure or both, such as success: value < 0.4",
      ],
    ],
    [
      "a text where a number is measured",
      '{ prometheus: https://a.example, query: up, success: value == "1" }',
      [".success must compare with numbers: prometheus measures nothing else"],
    ],
    [
      "a condition",
      "{ http: https://a.example, path: $.a, success: value }",
      [".success must compare by one of <= >= == != < >; it ends before that"],
    ],
    [
      "a path that is none",
      "{ http: https://a.example, path: a.b, success: value < 1 }",
      [".path must be a JSONPath (RFC 9535) such as $.status or $.checks[0].value"],
    ],
    [
      "an unknown placeholder, and one for the host",
      "{ prometheus: 'https://{{service}}.example', query: 'x{{{green}}}', success: value < 1 }",
      [
        ".prometheus must name its host itself, without a placeholder",
        ".query has the unknown placeholder {{{green}}; there are service, deployment, loadBalancer, green.targetGroup, blue.targetGroup, green.taskSet, blue.taskSet",
      ],
    ],
    [
      "limits that never end it",
      "{ alarms: [a], count: 2, failureLimit: 2 }",
      [".failureLimit must be below count, or it never fails: 2 of 2"],
    ],
    [
      "numbers out of bounds",
      "{ alarms: [a], count: 0, interval: 1s, inconclusiveLimit: 1.5, dryRun: yes }",
      [
        ".count must be at least 1",
        ".interval must be a duration from 5s to 6h, written like 30s, 10m, 24h or 7d",
        ".inconclusiveLimit must be a whole number",
        ".dryRun must be true or false",
      ],
    ],
    [
      "half a metric",
      "{ cloudwatch: { metric: M }, success: value < 1 }",
      [
        ".cloudwatch.namespace is missing; without queries it must be a text",
        ".cloudwatch.stat is missing; without queries it must be a text",
      ],
    ],
    [
      "a metric and queries",
      "{ cloudwatch: { metric: M, queries: [{ id: a, expression: b }] }, success: value < 1 }",
      [
        ".cloudwatch.metric must be left out where there are queries",
        ".cloudwatch.queries must have return: true at exactly one of them; it is at 0",
      ],
    ],
    [
      "queries of one name, and a period that CloudWatch has not",
      "{ cloudwatch: { queries: [{ id: a, expression: b, return: true }, { id: a, expression: c, period: 90s }, { id: A, expression: c }] }, success: value < 1 }",
      [
        ".cloudwatch.queries[1].period must be 1s, 5s, 10s, 20s, 30s or whole minutes, as CloudWatch has them",
        ".cloudwatch.queries[2].id must be letters and digits, the first a small letter",
      ],
    ],
    [
      "queries of one name",
      "{ cloudwatch: { queries: [{ id: a, expression: b, return: true }, { id: a, expression: c }] }, success: value < 1 }",
      [".cloudwatch.queries[1].id is that of another query: a"],
    ],
    ["an alarm twice", "{ alarms: [a, a] }", [".alarms[1] names a twice"]],
    [
      "an unknown key",
      "{ alarm: [a] }",
      [
        ".alarm is not known here; allowed are prometheus, query, cloudwatch, alarms, http, path, headers, success, failure, count, interval, failureLimit, inconclusiveLimit, dryRun",
      ],
    ],
  ])("%s", (_, check, expected) => {
    expect(faults(checks(`c: ${check}`)).sort()).toEqual(expected.map((line) => `checks.c${line}`).sort());
  });

  it("is told of the built-in one, and of names", () => {
    expect(faults(checks("green-vs-blue: { alpha: 0.5, count: 3 }", "Bad: { alarms: [a] }"))).toEqual([
      "checks.green-vs-blue.alpha must be above 0 and at most 0.1",
      "checks.green-vs-blue.count is not known here; allowed are tolerance, alpha, leastRequests, interval, dryRun",
      "checks.Bad must be 1 to 40 lower-case letters, digits and dashes, and not begin with a dash",
    ]);
  });
});

describe("what the environment must give", () => {
  const text = checks(
    "p: { prometheus: http://prom.shop.internal:9090, query: up, success: value < 1, headers: { Authorization: { secret: PROM } } }",
  ).concat(
    "strategies:\n  s: { steps: [{ weight: 100 }], hooks: [{ stage: PRE_SCALE_UP, url: https://a.example }] }\n",
  );
  const nothing = { allow: { names: [], suffixes: [], ranges: [] }, secrets: [], signs: false };

  it("is told where it is needed", () => {
    expect(faults(text, nothing)).toEqual([
      "checks.p.prometheus must begin with https://, unless TEAL_OUTBOUND_ALLOW names prom.shop.internal",
      "checks.p.headers.Authorization.secret names the secret PROM, but TEAL_SECRET_PROM is not set",
      "strategies.s.hooks[0].url needs TEAL_HOOK_SECRET, the key that hooks are signed with",
    ]);
  });

  it.each([
    { names: ["prom.shop.internal"], suffixes: [], ranges: [] },
    { names: [], suffixes: [".shop.internal"], ranges: [] },
    { names: [], suffixes: [], ranges: ["10.0.0.0/8"] },
  ])("suffices with %j", (allow) => {
    expect(faults(text, { allow, secrets: ["PROM"], signs: true })).toEqual([]);
  });
});
