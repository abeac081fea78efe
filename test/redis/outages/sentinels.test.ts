/** The master dies under deployments: sentinels choose its replica, and all go on by themselves. */
import { afterEach, expect, it } from "vitest";
import { type Sentinels, startSentinels } from "../../support/sentinels.ts";
import { early, endure, late, rowOf, tableHead } from "./drama.ts";
import { openStage, type Stage } from "./stage.ts";

let sentinels: Sentinels | undefined;
let stage: Stage | undefined;

afterEach(async () => {
  await stage?.close();
  await sentinels?.close();
});

it("goes on with the new master, and accepts again once that one has a replica", async () => {
  sentinels = await startSentinels({
    appendOnly: true,
    downAfterMs: 1_000,
    settings: { "repl-diskless-sync-delay": 0 },
  });
  const { first, addresses, name } = sentinels;
  stage = await openStage([...early, ...late], {
    REDIS_SENTINELS: addresses.map(({ host, port }) => `${host}:${port}`).join(","),
    REDIS_MASTER_NAME: name,
    TEAL_REDIS_WAIT: "1:0.5s",
  });
  const report = await endure(stage, {
    begin: () => first.kill(),
    // The sentinels make it a replica, which then confirms what is accepted.
    end: () => first.restart(),
    ms: 12_000,
    ready: 503,
    rollback: 503,
    recoveryMsMax: 40_000,
  });
  console.info(`the master died: ${JSON.stringify(report)}`);
  expect(await sentinels.master()).not.toBe(first.url);
  // Workers went on long before the old master came back.
  expect(report.silenceMs).toBeLessThan(11_000);
  console.info(`${tableHead}\n${rowOf("master dies, Sentinel fails over", report)}`);
  expect(report.lost).toEqual([]);
  expect(report.logged.trouble).toBeLessThan(troubleMax);
});

const troubleMax = 80;
