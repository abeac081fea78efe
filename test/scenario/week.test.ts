/**
 * A canary that takes more than a week, through a change of clocks, a freeze, an approval and office hours. Its
 * history is docs/a-week.md; TEAL_UPDATE=1 rewrites that.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readConfigText } from "../../src/config/file.ts";
import { rememberLooks } from "../simulation/memory.ts";
import { watchedWorld } from "../support/scenario.ts";
import { need } from "../support/world.ts";

const bob = { kind: "operator", name: "bob" } as const;
const file = "docs/a-week.md";
const zone = "Europe/Berlin";
const hour = 3_600_000;

const yaml = `strategies:
  slowly:
    steps:
      - weight: 1
      - pause: 2d
      - pause: { until: "Mon-Fri 09:00-16:00", timezone: Europe/Berlin }
      - weight: 10
      - pause: 1d
      - pause: { until: approval, id: release, timeout: 2d, notStarter: true }
      - weight: 50
      - pause: 1d
      - weight: 100
    bake: 4h
    retain: 2d
freezes:
  - { from: 2026-10-27, to: 2026-10-27, timezone: Europe/Berlin, reason: "the big sale", id: sale }
`;

/** As people in Berlin read it off their clocks. */
const local = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone,
  weekday: "short",
  day: "2-digit",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "shortOffset",
});

it("takes its time, and nobody has to sit beside it", { timeout: 600_000 }, async () => {
  const config = need(readConfigText(`services: {}\n${yaml}`, "teal.yaml").config);
  const world = watchedWorld({
    metrics: true,
    wrap: rememberLooks,
    // Seconds where AWS takes seconds; who watches for days needs no finer.
    settings: { healthCheckIntervalMs: 30_000, taskStartMs: 40_000, propagationMs: 5_000 },
  });
  const laid = world.lay();
  world.calendar = { windows: [], freezes: [...config.freezes] };
  // Friday, 23 October 2026, 15:00 in Berlin.
  world.clock.advance(Date.UTC(2026, 9, 23, 12, 40) - world.clock.now());
  world.traffic(laid.listener, { perMinute: 1_200 });
  await world.run(20 * 60_000);
  const strategy = need(config.strategies["slowly"]);
  const id = await world.start(laid, { taskDefinition: "checkout:2", build: 4711 }, { strategy });

  // Two days later, on Sunday, the clocks have changed; the step waits for Monday, nine by the new ones.
  await world.run(66 * hour);
  expect(world.weights(laid)[0]).toEqual([99, 1]);
  await world.run(1 * hour);
  expect(world.weights(laid)[0]).toEqual([90, 10]);
  // Approved in the middle of the freeze; the traffic waits for its end.
  await world.run(Date.UTC(2026, 9, 27, 15) - world.clock.now());
  await world.ask(id, "approve", { actor: bob, reason: "the numbers look good" });
  await world.run(Date.UTC(2026, 9, 27, 22, 59) - world.clock.now());
  expect(world.weights(laid)[0]).toEqual([90, 10]);
  await world.run(120_000);
  expect(world.weights(laid)[0]).toEqual([50, 50]);
  await world.run(80 * hour);
  const d = await world.deployment(id);
  expect(d.phase).toBe("succeeded");
  expect(d.gates["analysis"]?.checks?.["green-vs-blue"]?.last?.outcome).toBe("good");
  expect((d.finishedAt ?? 0) - d.createdAt).toBeGreaterThan(7 * 24 * 3_600_000);

  const told = (await world.events(id)).filter(({ type }) => type !== "done");
  const lines = told.map(({ at, message }) => {
    const parts = Object.fromEntries(local.formatToParts(at).map(({ type, value }) => [type, value]));
    const time = `${parts["weekday"]} ${parts["day"]} ${parts["month"]} ${parts["hour"]}:${parts["minute"]} ${parts["timeZoneName"]}`;
    return `${time}  ${message.replaceAll(/arn:[^ ]*\//g, "")}`;
  });
  const page = [
    "# A canary of a week",
    "",
    "What a deployment tells that takes its time: two days at 1 %, office hours, a day at 10 %, somebody else's",
    "approval, a freeze that comes in between, a change of clocks (on Sunday, 25 October 2026), a day at half, two days",
    "with the old version kept warm. It was played in stepped time by a test, which holds this page equal; green-vs-blue",
    "watched all of it, by default.",
    "",
    "```yaml",
    yaml.trimEnd(),
    "```",
    "",
    "Its history, in Berlin's time:",
    "",
    "```",
    ...lines,
    "```",
    "",
  ].join("\n");
  if (process.env["TEAL_UPDATE"] === "1") writeFileSync(file, page);
  expect(readFileSync(file, "utf8")).toBe(page);
});
