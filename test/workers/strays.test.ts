/** The look for task sets without a record: what it notes, whom it tells, and what it bears. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Stray } from "../../src/deployment/recover.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import type { StrayBook } from "../../src/engine/ports.ts";
import { TealError } from "../../src/errors.ts";
import { connectRedis } from "../../src/redis/connection.ts";
import { createStrayBook } from "../../src/redis/strays.ts";
import { lookForStrays, startStrays, type StrayParts } from "../../workers/strays.ts";
import { openTestRecords, type TestRecords } from "../redis/records.ts";

let store: TestRecords;
let strayBook: StrayBook;
const told: string[] = [];
const troubled: string[] = [];
beforeEach(async () => {
  store = await openTestRecords();
  strayBook = createStrayBook(store.redis, store.prefix);
  told.length = 0;
  troubled.length = 0;
});
afterEach(() => store.close());

const stray = (deployment: string): Stray => ({
  deployment,
  state: "orphan",
  set: { arn: `${deployment}-arn`, id: "ecs-svc/2", status: "ACTIVE", scalePercent: 100, running: 4 },
  rollingBack: false,
  routes: [],
  ways: ["remove"],
});

const target = (name: string): ServiceTarget => ({
  name,
  region: "eu-west-1",
  cluster: "prod",
  service: name,
  targetGroups: [],
  routes: [],
});

const log = (lines: string[]) => ({
  warn: (_: object, line: string) => void lines.push(line),
  error: () => {},
});

function parts(found: Record<string, Stray[]>): StrayParts {
  return {
    engine: {
      strays: async ({ name }) => {
        const strays = found[name];
        if (!strays) throw new TealError("unavailable", "ecs:DescribeServices: slow down");
        return strays;
      },
    },
    strayBook,
    targets: () => ["a", "b", "c", "d", "e", "f"].map(target),
    clock: { now: () => 1_000 },
    tell: log(told),
    log: log(troubled),
  };
}

it("notes what each service has, tells each stray once an hour, and passes over what AWS does not tell", async () => {
  const found = { a: [stray("a-1"), stray("a-2")], b: [], d: [], e: [], f: [stray("f-1")] };
  expect(await lookForStrays(parts(found))).toBe(3);
  expect(await strayBook.read(["a", "b", "c", "f"])).toEqual({
    a: { at: 1_000, deployments: ["a-1", "a-2"] },
    b: { at: 1_000, deployments: [] },
    f: { at: 1_000, deployments: ["f-1"] },
  });
  expect(told).toEqual([
    "no record answers for the task set ecs-svc/2 of a-1 (orphan); look with: teal recover a",
    "no record answers for the task set ecs-svc/2 of a-2 (orphan); look with: teal recover a",
    "no record answers for the task set ecs-svc/2 of f-1 (orphan); look with: teal recover f",
  ]);
  expect(troubled).toHaveLength(1);

  await lookForStrays(parts({ ...found, c: [stray("c-1")] }));
  expect(told.slice(3)).toEqual([expect.stringContaining("teal recover c")]);
  expect(await store.redis.pttl(`${store.prefix}:stray-told:a:a-1`)).toBeGreaterThan(3_500_000);
  expect(await strayBook.read([])).toEqual({});
});

it("goes round by itself, and two that overlap tell once", async () => {
  const connections = [1, 2].map(() => connectRedis(store.url, "jobs", { warn: () => {} }));
  const running = connections.map((connection) =>
    startStrays({
      ...parts({ a: [stray("a-1")], b: [], c: [], d: [], e: [], f: [] }),
      connection,
      prefix: store.prefix,
      everyMs: 100,
      lockMs: 2_000,
      stalledMs: 500,
    }),
  );
  try {
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1);
    await store.redis.del(`${store.prefix}:strays:a`);
    await expect
      .poll(async () => Object.keys(await strayBook.read(["a"])), { timeout: 10_000 })
      .toEqual(["a"]);
    expect(told).toHaveLength(1);
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    for (const connection of connections) connection.disconnect();
  }
});
