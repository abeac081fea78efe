import { describe, expect, it } from "vitest";
import { closuresAt } from "../../src/deployment/calendar.ts";
import { faults, read, service } from "./reading.ts";

const at = (iso: string) => Date.parse(iso);
const web = (more: string) => `services:\n${service("web", `strategy: all-at-once\n${more}`)}`;

describe("windows", () => {
  it.each([
    ["by themselves in UTC", "", 'windows: ["Mon-Fri 09:00-16:00"]', "UTC"],
    [
      "in the service's zone",
      "",
      'windows: ["Mon-Fri 09:00-16:00"]\ntimezone: Europe/Berlin',
      "Europe/Berlin",
    ],
    [
      "in the zone of defaults",
      "defaults: { timezone: Asia/Tokyo }\n",
      'windows: ["Mon-Fri 09:00-16:00"]',
      "Asia/Tokyo",
    ],
    [
      "in a zone of their own",
      "defaults: { timezone: Asia/Tokyo }\n",
      'timezone: UTC\nwindows: [{ hours: "Mon-Fri 09:00-16:00", timezone: America/New_York }]',
      "America/New_York",
    ],
    [
      "from the defaults",
      'defaults: { windows: ["Mon-Fri 09:00-16:00"] }\n',
      "timezone: Asia/Tokyo",
      "Asia/Tokyo",
    ],
  ])("hold %s", (_, defaults, more, timezone) => {
    expect(read(defaults + web(more)).services["web"]?.calendar).toEqual({
      windows: [{ hours: "Mon-Fri 09:00-16:00", timezone }],
      freezes: [],
    });
  });

  it("of the defaults are switched off by none", () => {
    const { services } = read(`defaults: { windows: ["Sat 10:00-12:00"] }\n${web("windows: []")}`);
    expect(services["web"]?.calendar.windows).toEqual([]);
  });

  it("are refused with what is allowed", () => {
    const more =
      'windows: ["Mon-Fri 9-16", { hours: "25:00-26:00" }, 7, "Mon-Foo 09:00-10:00"]\ntimezone: Mars/Olympus';
    const hours = `must be like "Mon-Fri 09:00-16:00" or "22:00-04:00"`;
    expect(faults(web(more))).toEqual([
      `services.web.windows[0] ${hours}`,
      `services.web.windows[1].hours ${hours}`,
      'services.web.windows[2] must be hours such as "Mon-Fri 09:00-16:00", or { hours, timezone }',
      `services.web.windows[3] ${hours}`,
      "services.web.timezone must be a time zone such as Europe/Berlin or UTC",
    ]);
  });
});

const freezesOf = (...lines: string[]) => `freezes:\n${lines.map((line) => `  - ${line}\n`).join("")}`;

describe("freezes", () => {
  it("last from the first to the last minute of their days, where they are", () => {
    const { services } = read(
      web("") +
        freezesOf(
          "{ from: 2026-12-20, to: 2027-01-02, reason: year end, timezone: Europe/Berlin, id: year-end }",
          "{ from: 2026-06-01T10:00:00+02:00, to: 2026-06-01T09:00:00Z, reason: a move }",
        ),
    );
    const { calendar } = services["web"] ?? {};
    expect(calendar?.freezes).toEqual([
      {
        id: "year-end",
        from: at("2026-12-19T23:00:00Z"),
        to: at("2027-01-02T23:00:00Z"),
        reason: "year end",
      },
      { id: "freeze-2", from: at("2026-06-01T08:00:00Z"), to: at("2026-06-01T09:00:00Z"), reason: "a move" },
    ]);
    expect(calendar && closuresAt(calendar, "web", at("2027-01-02T22:59:59Z"))).toMatchObject([
      { id: "year-end" },
    ]);
  });

  it("begin with the first minute that a day has, where clocks change at midnight", () => {
    const { freezes: found } = read(
      `services: {}\n${freezesOf("{ from: 2026-04-24, to: 2026-04-24, reason: x, timezone: Africa/Cairo }")}`,
    );
    expect(found[0]).toMatchObject({ from: at("2026-04-23T22:00:00Z"), to: at("2026-04-24T21:00:00Z") });
  });

  it("concern the services that they name", () => {
    const file = `services:\n${service("web", "strategy: all-at-once")}${service("api", "strategy: all-at-once")}`;
    const { services } = read(
      file + freezesOf("{ from: 2026-01-01, to: 2026-01-01, reason: x, services: [api] }"),
    );
    expect(services["web"]?.calendar.freezes).toEqual([]);
    expect(services["api"]?.calendar.freezes).toHaveLength(1);
  });

  it.each([
    [
      "an end before its beginning",
      "{ from: 2026-01-02, to: 2026-01-01, reason: x }",
      "[0].to must be after from: 2026-01-01 is not after 2026-01-02",
    ],
    [
      "more than a year",
      "{ from: 2026-01-01, to: 2027-02-01, reason: x }",
      "[0].to must be at most 366 days after from",
    ],
    [
      "a day that isn't",
      "{ from: 2026-02-29, to: 2026-03-01, reason: x }",
      "[0].from must be a date such as 2026-12-20, or a moment with its offset such as 2026-12-20T09:00:00+01:00",
    ],
    [
      "a moment without offset",
      "{ from: 2026-02-01, to: 2026-03-01T12:00:00, reason: x }",
      "[0].to must be a date such as 2026-12-20, or a moment with its offset such as 2026-12-20T09:00:00+01:00",
    ],
    ["no reason", "{ from: 2026-01-01, to: 2026-01-01 }", "[0].reason is missing; it must be a text"],
    [
      "an unknown service",
      "{ from: 2026-01-01, to: 2026-01-01, reason: x, services: [wbe] }",
      "[0].services[0] names no service: there is no wbe; there are web",
    ],
    [
      "the id of all windows",
      "{ from: 2026-01-01, to: 2026-01-01, reason: x, id: window }",
      "[0].id must not be window or window-<number>, which stand for the windows",
    ],
    [
      "the id of one closing of the windows",
      "{ from: 2026-01-01, to: 2026-01-01, reason: x, id: window-1780398000000 }",
      "[0].id must not be window or window-<number>, which stand for the windows",
    ],
  ])("are refused for %s", (_, freeze, expected) => {
    expect(faults(web("") + freezesOf(freeze))).toEqual([`freezes${expected}`]);
  });

  it("have ids of their own", () => {
    const same = "{ from: 2026-01-01, to: 2026-01-01, reason: x, id: freeze-1 }";
    expect(faults(web("") + freezesOf("{ from: 2026-01-01, to: 2026-01-01, reason: x }", same))).toEqual([
      "freezes[1].id is that of another freeze: freeze-1",
    ]);
  });
});

const schedulesOf = (...lines: string[]) => `schedules:\n${lines.map((line) => `  ${line}\n`).join("")}`;

describe("schedules", () => {
  it("promote and deploy", () => {
    const found = read(
      web("") +
        schedulesOf(
          "morning: { cron: '0  9 * * Mon-Fri', timezone: Europe/Berlin, service: web, promote: next, ifHealthy: false }",
          "noon: { cron: '0 12 * * *', service: web, promote: full }",
          "weekly: { cron: '30 3 * * 0', service: web, deploy: { taskDefinition: web, images: { app: shop/web:1 }, strategy: CodeDeployDefault.ECSCanary10Percent5Minutes } }",
          "nightly: { cron: '30 3 * * 1', service: web, deploy: { taskDefinition: web, reason: base images } }",
        ),
    ).schedules;
    expect(found["morning"]).toEqual({
      name: "morning",
      cron: "0 9 * * Mon-Fri",
      timezone: "Europe/Berlin",
      service: "web",
      asks: { kind: "promote", full: false, ifHealthy: false },
    });
    expect(found["noon"]).toMatchObject({ timezone: "UTC", asks: { full: true, ifHealthy: true } });
    expect(found["weekly"]?.asks).toMatchObject({
      kind: "deploy",
      strategy: { name: "CodeDeployDefault.ECSCanary10Percent5Minutes" },
      request: { taskDefinition: "web", images: { app: "shop/web:1" }, reason: "schedule weekly" },
    });
    expect(found["nightly"]?.asks).toMatchObject({
      strategy: { name: "all-at-once" },
      request: { reason: "base images" },
    });
  });

  const fields = "must have five fields (minute, hour, day, month, weekday), such as 0 9 * * Mon-Fri";
  it.each([
    ["too few fields", "{ cron: '0 9 * *', service: web, promote: full }", [`.cron ${fields}`]],
    ["seconds", "{ cron: '0 0 9 * * 1', service: web, promote: full }", [`.cron ${fields}`]],
    ["a nickname", "{ cron: '@daily', service: web, promote: full }", [`.cron ${fields}`]],
    ["a time by chance", "{ cron: 'H 9 * * *', service: web, promote: full }", [`.cron ${fields}`]],
    [
      "no such time",
      "{ cron: '0 25 * * *', service: web, promote: full }",
      [".cron names a time that never comes"],
    ],
    [
      "no such day",
      "{ cron: '0 9 30 2 *', service: web, promote: full }",
      [".cron names a time that never comes"],
    ],
    [
      "no such service",
      "{ cron: '0 9 * * *', service: wbe, promote: full }",
      [".service names no service: there is no wbe; there are web"],
    ],
    ["nothing to do", "{ cron: '0 9 * * *', service: web }", [" must have either promote or deploy"]],
    [
      "another promotion",
      "{ cron: '0 9 * * *', service: web, promote: all }",
      ['.promote must be "full" or "next"'],
    ],
    [
      "a word of promote",
      "{ cron: '0 9 * * *', service: web, ifHealthy: true, deploy: { taskDefinition: web } }",
      [".ifHealthy doesn't belong to deploy"],
    ],
    [
      "nothing to deploy",
      "{ cron: '0 9 * * *', service: web, deploy: {} }",
      [".deploy must have taskDefinition, images or both"],
    ],
    [
      "a strategy that isn't, another region",
      "{ cron: '0 9 * * *', service: web, deploy: { strategy: x, taskDefinition: 'arn:aws:ecs:us-east-1:123456789012:task-definition/web:1' } }",
      [
        expect.stringMatching(
          /^\.deploy\.strategy names no strategy: there are all-at-once, CodeDeployDefault/,
        ),
        ".deploy.taskDefinition is in region us-east-1, but the service is in eu-west-1",
      ],
    ],
  ])("are refused for %s", (_, schedule, expected) => {
    const found = faults(web("") + schedulesOf(`s: ${schedule}`));
    expect(found.map((line) => line.replace("schedules.s", ""))).toEqual(expected);
  });

  it("have names like services", () => {
    expect(
      faults(web("") + schedulesOf("Morning: { cron: '0 9 * * *', service: web, promote: full }")),
    ).toEqual([
      "schedules.Morning must be 1 to 40 lower-case letters, digits and dashes, and not begin with a dash",
    ]);
  });
});
