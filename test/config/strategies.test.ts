import { describe, expect, it } from "vitest";
import { misfitOf } from "../../src/config/misfit.ts";
import { describeStep, gateId, isGate, type Step } from "../../src/deployment/strategy.ts";
import { arn, faults, faultsOf, read, service, strategy } from "./reading.ts";

/** `weight 25 %`, and of gates also `[pause-2]`. */
function told(steps: readonly Step[]): string[] {
  return steps.map((step, index) =>
    isGate(step) ? `${describeStep(step)} [${gateId(step, index)}]` : describeStep(step),
  );
}

const smoke = "checks:\n  smoke: { http: https://a.example, path: $.ok, success: value == true }\n";

describe("a strategy comes to", () => {
  it("the steps as written, each gate with an id by kind and place", () => {
    const { steps } = strategy(
      [
        "steps:",
        "  - scale: 25",
        "  - weight: 5",
        "  - pause: 10m",
        "  - pause: { for: 10m, id: soak }",
        "  - pause: { until: approval, timeout: 12h, onTimeout: proceed, by: [ada, bob], notStarter: true }",
        '  - pause: { until: "Mon-Fri 09:00-16:00", timezone: Europe/Berlin }',
        "  - pause: { until: 2026-12-01T09:00:00+01:00, id: advent }",
        "  - pause: { until: 2026-12-24, timezone: Europe/Berlin }",
        "  - analyze: green-vs-blue",
        "  - analyze: { checks: [green-vs-blue, smoke], for: 20m, onInconclusive: proceed }",
        "  - hook: { url: https://a.example/x, timeout: 1h, attempts: 2, onFailure: pause }",
        "  - weight: 100",
      ].join("\n"),
      smoke,
    );
    expect(told(steps)).toEqual([
      "scale 25 %",
      "weight 5 %",
      "pause 10m [pause-3]",
      "pause 10m [soak]",
      "wait for approval [pause-5]",
      "wait for Mon-Fri 09:00-16:00 Europe/Berlin [pause-6]",
      "wait for 2026-12-01T08:00:00.000Z [advent]",
      "wait for 2026-12-23T23:00:00.000Z [pause-8]",
      "analyze green-vs-blue [analyze-9]",
      "analyze green-vs-blue, smoke [analyze-10]",
      "hook hook-11 [hook-11]",
      "weight 100 %",
    ]);
    expect(steps[4]).toEqual({
      kind: "wait",
      id: "pause-5",
      until: { kind: "approval", by: ["ada", "bob"], notStarter: true },
      timeoutMs: 43_200_000,
      onTimeout: "proceed",
    });
    expect(steps[5]).toMatchObject({ timeoutMs: 30 * 86_400_000, onTimeout: "rollback" });
    expect(steps[8]).toMatchObject({ ms: 600_000, onInconclusive: "pause" });
    expect(steps[9]).toMatchObject({ ms: 1_200_000, onInconclusive: "proceed" });
    expect(steps[10]).toMatchObject({
      hook: {
        url: "https://a.example/x",
        headers: {},
        timeoutMs: 3_600_000,
        attemptsMax: 2,
        onFailure: "pause",
      },
    });
  });

  it("hooks at the stages' places, each with an id of its own", () => {
    const stages = ["PRE_SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"];
    const production = ["PRE_PRODUCTION", "PRODUCTION", "POST_PRODUCTION"].map(
      (when) => `${when}_TRAFFIC_SHIFT`,
    );
    const hooks = [...stages, ...production, "PRE_SCALE_UP"]
      .map((stage) => `  - { stage: ${stage}, url: https://a.example }`)
      .concat("  - { stage: PRODUCTION_TRAFFIC_SHIFT, url: https://b.example, id: tell }");
    const found = strategy(
      [
        "steps: [{ scale: 50 }, { weight: 12.5 }, { pause: 1m }, { weight: 100 }]",
        "testing: [{ analyze: smoke }, { pause: 1m }]",
        "hooks:",
        ...hooks,
      ].join("\n"),
      smoke,
    );
    expect(told(found.before)).toEqual([
      "hook PRE_SCALE_UP [pre-scale-up]",
      "hook PRE_SCALE_UP [pre-scale-up-2]",
    ]);
    expect(told(found.testing)).toEqual([
      "hook POST_SCALE_UP [post-scale-up]",
      "test traffic",
      "hook TEST_TRAFFIC_SHIFT [test-traffic-shift]",
      "analyze smoke [test-analyze-1]",
      "pause 1m [test-pause-2]",
      "hook POST_TEST_TRAFFIC_SHIFT [post-test-traffic-shift]",
    ]);
    expect(told(found.steps)).toEqual([
      "scale 50 %",
      "hook PRE_PRODUCTION_TRAFFIC_SHIFT [pre-production-traffic-shift]",
      "weight 12.5 %",
      "hook PRODUCTION_TRAFFIC_SHIFT [production-traffic-shift-12-5]",
      "hook PRODUCTION_TRAFFIC_SHIFT [tell-12-5]",
      "pause 1m [pause-3]",
      "weight 100 %",
      "hook PRODUCTION_TRAFFIC_SHIFT [production-traffic-shift-100]",
      "hook PRODUCTION_TRAFFIC_SHIFT [tell-100]",
      "hook POST_PRODUCTION_TRAFFIC_SHIFT [post-production-traffic-shift]",
    ]);
  });

  it("test traffic only where something is tested", () => {
    expect(strategy("steps: [{ weight: 100 }]").testing).toEqual([]);
    expect(told(strategy("steps: [{ weight: 100 }]\ntesting: []").testing)).toEqual(["test traffic"]);
    expect(
      told(
        strategy("steps: [{ weight: 100 }]\nhooks: [{ stage: POST_SCALE_UP, url: https://a.example }]")
          .testing,
      ),
    ).toEqual(["hook POST_SCALE_UP [post-scale-up]"]);
  });

  it.each([
    ["canary 10% for 5m", ["weight 10 %", "pause 5m [pause-2]", "weight 100 %"]],
    [
      "linear 40% every 90s",
      ["weight 40 %", "pause 90s [pause-2]", "weight 80 %", "pause 90s [pause-4]", "weight 100 %"],
    ],
    ["linear 50% every 1m", ["weight 50 %", "pause 1m [pause-2]", "weight 100 %"]],
    ["steps: canary  0.5%  for 1h\nbake: 5m", ["weight 0.5 %", "pause 1h [pause-2]", "weight 100 %"]],
  ])("the steps that a short form stands for: %s", (written, steps) => {
    expect(told(strategy(written).steps)).toEqual(steps);
  });

  it("its surroundings, in the file's words or by default", () => {
    expect(strategy("canary 10% for 5m")).toMatchObject({
      before: [],
      bakeMs: 0,
      retainMs: 0,
      holdMs: 30_000,
      onDrift: "hold",
      failedTasksMax: 3,
      analysis: ["green-vs-blue"],
    });
    const written =
      "steps: [{ weight: 100 }]\ndrain: { tasks: 2, every: 30s }\nonDrift: reapply\nanalysis: []";
    expect(strategy(written)).toMatchObject({
      drain: { by: { tasks: 2 }, everyMs: 30_000 },
      onDrift: "reapply",
      analysis: [],
      checks: {},
    });
  });

  it("the defaults where it says nothing itself, deadlines one by one; presets too", () => {
    const { strategies } = read(
      [
        "services: {}",
        "defaults:",
        "  bake: 1m",
        "  retain: 2h",
        "  analysis: [smoke]",
        "  drain: { percent: 50, every: 1m }",
        "  deadlines: { shifting: 1m, draining: 2m }",
        "strategies:",
        "  s: { steps: [{ weight: 100 }], bake: 5m, analysis: [green-vs-blue], deadlines: { draining: 3m } }",
        smoke,
      ].join("\n"),
    );
    expect(strategies["s"]).toMatchObject({
      bakeMs: 300_000,
      retainMs: 7_200_000,
      drain: { by: { percent: 50 } },
      analysis: ["green-vs-blue"],
      deadlines: { shiftingMs: 60_000, drainingMs: 180_000, provisioningMs: 1_800_000 },
    });
    expect(strategies["CodeDeployDefault.ECSCanary10Percent5Minutes"]).toMatchObject({
      name: "CodeDeployDefault.ECSCanary10Percent5Minutes",
      bakeMs: 60_000,
      analysis: ["smoke"],
      checks: { smoke: { source: { kind: "http" } } },
    });
  });

  it("only the checks that it names; one with another interval is a check of its own, but for the verdict", () => {
    const checks = "checks:\n  a: { alarms: [a] }\n  b: { alarms: [b] }\n  c: { alarms: [c] }\n";
    const found = strategy(
      "steps: [{ weight: 5 }, { analyze: { checks: [a, green-vs-blue, b], every: 30s } }, { weight: 100 }]\nanalysis: [a]",
      checks,
    );
    expect(Object.entries(found.checks).map(([name, check]) => [name, check.name, check.intervalMs])).toEqual(
      [
        ["a every 30s", "a every 30s", 30_000],
        ["green-vs-blue", "green-vs-blue", 60_000],
        ["b every 30s", "b every 30s", 30_000],
        ["a", "a", 60_000],
      ],
    );
    expect(found.steps[1]).toMatchObject({ checks: ["a every 30s", "green-vs-blue", "b every 30s"] });
  });
});

const stepsBefore100 = (...list: string[]) => `steps: [${[...list, "{ weight: 100 }"].join(", ")}]`;

describe("what is wrong with a strategy", () => {
  it.each([
    [
      "a short form of another kind",
      "exponential 10%",
      ['strategies.s must be a list of steps, "canary 10% for 5m" or "linear 10% every 1m"'],
    ],
    [
      "a number",
      "7",
      ['strategies.s must be a mapping with steps, "canary 10% for 5m" or "linear 10% every 1m"'],
    ],
    ["steps too small", "linear 1% every 1m", ["strategies.s must grow by at least 2 % at a time"]],
    [
      "a pause too long",
      "canary 5% for 8d",
      ["strategies.s must be a duration from 1s to 7d, written like 30s, 10m, 24h or 7d"],
    ],
    ["no steps", "steps: []", ["strategies.s.steps must be at least 1 entries"]],
    [
      "a pause without an end",
      stepsBefore100("{ pause: {} }"),
      ["strategies.s.steps[0].pause must have either for, such as 10m, or until"],
    ],
    [
      "a pause with two ends",
      stepsBefore100("{ pause: { for: 1m, until: approval } }"),
      ["strategies.s.steps[0].pause must have either for, such as 10m, or until"],
    ],
    [
      "an end that is none",
      stepsBefore100(
        "{ pause: { until: tomorrow } }",
        "{ pause: { until: 2026-02-30 } }",
        "{ pause: { until: 2026-03-01T09:00 } }",
      ),
      [0, 1, 2].map(
        (index) =>
          `strategies.s.steps[${index}].pause.until must be approval, hours such as "Mon-Fri 09:00-16:00", or a date such as 2026-12-20, or a moment with its offset such as 2026-12-20T09:00:00+01:00`,
      ),
    ],
    [
      "words of another kind of pause",
      stepsBefore100("{ pause: { for: 1m, by: [ada] } }", "{ pause: { until: approval, timezone: UTC } }"),
      [
        "strategies.s.steps[0].pause.by doesn't belong here; allowed are for, id",
        "strategies.s.steps[1].pause.timezone doesn't belong here; allowed are until, id, timeout, onTimeout, by, notStarter",
      ],
    ],
    [
      "an unknown key deep down",
      stepsBefore100("{ pause: { until: approval, timout: 1h } }"),
      [
        "strategies.s.steps[0].pause.timout is not known here; allowed are for, until, timezone, timeout, onTimeout, by, notStarter, id",
      ],
    ],
    [
      "a time zone that isn't",
      stepsBefore100("{ pause: { until: 09:00-16:00, timezone: Berlin } }"),
      ["strategies.s.steps[0].pause.timezone must be a time zone such as Europe/Berlin or UTC"],
    ],
    [
      "checks that aren't",
      `${stepsBefore100("{ analyze: smok }", "{ analyze: { checks: [smoke, smokey] } }")}\nanalysis: [p99]\ntesting: [{ analyze: x }]`,
      [
        "strategies.s.steps[0].analyze names no check: there is no smok; there are green-vs-blue, smoke",
        "strategies.s.steps[1].analyze.checks[1] names no check: there is no smokey; there are green-vs-blue, smoke",
        "strategies.s.analysis[0] names no check: there is no p99; there are green-vs-blue, smoke",
        "strategies.s.testing[0].analyze names no check: there is no x; there are green-vs-blue, smoke",
      ],
    ],
    [
      "an analysis that is over before its next look",
      stepsBefore100("{ analyze: { checks: [smoke], for: 1m, every: 90s } }"),
      ["strategies.s.steps[0].analyze.every must not be longer than for: 90s is longer than 1m"],
    ],
    [
      "a check twice, and too many",
      stepsBefore100("{ analyze: { checks: [smoke, smoke] } }"),
      ["strategies.s.steps[0].analyze.checks[1] names smoke twice"],
    ],
    [
      "a hook without an address",
      stepsBefore100("{ hook: { timeout: 2d } }"),
      [
        "strategies.s.steps[0].hook.url is missing; it must be a text",
        "strategies.s.steps[0].hook.timeout must be a duration from 1s to 24h, written like 30s, 10m, 24h or 7d",
      ],
    ],
    [
      "addresses that are none",
      stepsBefore100(
        "{ hook: { url: hooks.example } }",
        "{ hook: { url: 'https://ada:x@a.example' } }",
        "{ hook: { url: 'https://a.example/{{service}}' } }",
        "{ hook: { url: 'https://a.example/#x' } }",
      ),
      [
        "strategies.s.steps[0].hook.url must be a URL such as https://hooks.example",
        "strategies.s.steps[1].hook.url must not contain a user or password; name a secret in headers instead",
        "strategies.s.steps[2].hook.url must not have placeholders: what a hook is about is in its body",
        "strategies.s.steps[3].hook.url must not have a fragment, which no server would see",
      ],
    ],
    [
      "headers that Teal sets, secrets in the file, a name twice",
      stepsBefore100(
        "{ hook: { url: https://a.example, headers: { Host: a, authorization: Bearer x, X-Team: a, x-team: b, x: { secret: low } } } }",
      ),
      [
        "strategies.s.steps[0].hook.headers.Host is set by Teal and must be left out",
        "strategies.s.steps[0].hook.headers.authorization must not stand in the file: write { secret: NAME }",
        "strategies.s.steps[0].hook.headers.x-team is given twice; upper and lower case don't matter",
        "strategies.s.steps[0].hook.headers.x.secret must be the name of a secret, such as PROM_TOKEN",
      ],
    ],
    [
      "an unknown stage",
      `${stepsBefore100()}\nhooks: [{ stage: PRE_TRAFFIC, url: https://a.example }]`,
      [
        'strategies.s.hooks[0].stage must be "PRE_SCALE_UP" or "POST_SCALE_UP" or "TEST_TRAFFIC_SHIFT" or "POST_TEST_TRAFFIC_SHIFT" or "PRE_PRODUCTION_TRAFFIC_SHIFT" or "PRODUCTION_TRAFFIC_SHIFT" or "POST_PRODUCTION_TRAFFIC_SHIFT"',
      ],
    ],
    [
      "a stage that never comes",
      "steps: [{ scale: 100 }]\nhooks: [{ stage: PRODUCTION_TRAFFIC_SHIFT, url: https://a.example }]",
      [
        "strategies.s.hooks[0].stage would never come: the strategy has no weight steps, and PRODUCTION_TRAFFIC_SHIFT goes with them",
      ],
    ],
    [
      "ids twice, given or by place, and the reserved one",
      stepsBefore100(
        "{ pause: 1m }",
        "{ pause: { for: 1m, id: pause-1 } }",
        "{ pause: { until: approval, id: analysis } }",
      ),
      [
        "strategies.s.steps[1] has the id pause-1, as another gate of the strategy has; give one an id of its own",
        "strategies.s.steps[2] must not be called analysis, which stands for the background",
      ],
    ],
    [
      "weights while testing",
      `${stepsBefore100()}\ntesting: [{ weight: 5 }]`,
      ["strategies.s.testing[0].weight is not known here; allowed are pause, analyze, hook"],
    ],
    [
      "a drain by two measures",
      `${stepsBefore100()}\ndrain: { tasks: 1, percent: 5, every: 1m }`,
      ["strategies.s.drain must have either tasks or percent"],
    ],
    [
      "another way with drift",
      `${stepsBefore100()}\nonDrift: ignore`,
      ['strategies.s.onDrift must be "hold" or "reapply"'],
    ],
    [
      "hooks at too many weights",
      `steps: linear 2% every 1m\nhooks: [${"{ stage: PRODUCTION_TRAFFIC_SHIFT, url: https://a.example }, ".repeat(3)}]`,
      ["strategies.s.hooks make it 249 steps in all; it must be at most 200"],
    ],
    [
      "steps without number",
      `steps: [${"{ pause: 1m }, ".repeat(100)} { weight: 100 }]`,
      ["strategies.s.steps must be at most 100 entries"],
    ],
  ])("%s", (_, body, expected) => {
    expect(faultsOf(body, smoke)).toEqual(expected);
  });
});

const fileOf = (services: string, body: string, rest = "") =>
  `services:\n${services}strategies:\n  s: ${body}\nchecks:\n  smoke: { alarms: [a] }\n  lb: { alarms: ["{{green.targetGroup}}"] }\n${rest}`;

describe("a service and its strategy", () => {
  const routeless = "  w: { region: eu-west-1, cluster: c, service: w, strategy: s }\n";
  const tested = `strategy: s\ntestRoutes: [{ listener: ${arn("listener", "app/test")} }]`;

  it("leaves what needs routes out for a service without, unless it was asked for", () => {
    const text = fileOf(
      service("web", "strategy: s") + routeless,
      "{ steps: [{ scale: 100 }, { weight: 100 }] }",
    );
    const { services } = read(`${text}defaults: { analysis: [smoke, lb, green-vs-blue] }\n`);
    expect(services["web"]?.strategy.analysis).toEqual(["smoke", "lb", "green-vs-blue"]);
    expect(services["w"]?.strategy.analysis).toEqual(["smoke"]);
    expect(Object.keys(services["w"]?.strategy.checks ?? {})).toEqual(["smoke"]);
    expect(services["w"]?.strategies["all-at-once"]?.analysis).toEqual(["smoke"]);
  });

  it("has test traffic only where it has test routes", () => {
    const body = "{ steps: [{ weight: 100 }], testing: [{ pause: 1m }] }";
    const { services } = read(fileOf(service("web", "strategy: s") + service("api", tested), body));
    expect(told(services["web"]?.strategy.testing ?? [])).toEqual(["pause 1m [test-pause-1]"]);
    expect(told(services["api"]?.strategy.testing ?? [])).toEqual([
      "test traffic",
      "pause 1m [test-pause-1]",
    ]);
    expect(services["api"]?.target.testRoutes).toEqual([
      { kind: "listener", arn: arn("listener", "app/test") },
    ]);
  });

  it.each([
    [
      "weights without routes",
      routeless,
      "{ steps: [{ weight: 5 }, { weight: 100 }] }",
      "strategy s asks for a weight of 5 %, but the service has no routes to share traffic on; use scale steps",
    ],
    [
      "no weights with routes",
      service("w", "strategy: s"),
      "{ steps: [{ scale: 100 }] }",
      "strategy s has no weight steps, but the service has routes: its last weight must be 100",
    ],
    [
      "a comparison of colours without routes",
      routeless,
      "{ steps: [{ scale: 100 }], analysis: [green-vs-blue] }",
      "strategy s has the check green-vs-blue, which needs what a load balancer counts for each colour, but the service has no routes",
    ],
    [
      "a step's check by target group without routes",
      routeless,
      "{ steps: [{ scale: 100 }, { analyze: lb }] }",
      "strategy s has the check lb, which needs what a load balancer counts for each colour, but the service has no routes",
    ],
    [
      "an analysis of test traffic without test routes",
      service("w", "strategy: s"),
      "{ steps: [{ weight: 100 }], testing: [{ analyze: smoke }] }",
      "strategy s has an analysis while test routes lead to green, but the service has no testRoutes",
    ],
    [
      "a test stage without test routes",
      service("w", "strategy: s"),
      "{ steps: [{ weight: 100 }], hooks: [{ stage: TEST_TRAFFIC_SHIFT, url: https://a.example }] }",
      "strategy s has TEST_TRAFFIC_SHIFT while test routes lead to green, but the service has no testRoutes",
    ],
  ])("don't suit each other: %s", (_, services, body, expected) => {
    expect(faults(fileOf(services, body))).toEqual([`services.w.strategy ${expected}`]);
  });

  it("is asked again for the strategy of a request", () => {
    const { services } = read(fileOf(routeless, "{ steps: [{ scale: 100 }] }"));
    const { strategies, target } = services["w"] ?? {};
    const canary = strategies?.["CodeDeployDefault.ECSCanary10Percent5Minutes"];
    expect(canary && target && misfitOf(canary, target)).toContain("has no routes to share traffic on");
    expect(strategies?.["s"] && target && misfitOf(strategies["s"], target)).toBeUndefined();
  });
});
