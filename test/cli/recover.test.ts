import { afterEach, beforeEach, expect, it, vi } from "vitest";
import pc from "picocolors";
import { drawStrays } from "../../src/cli/recover.ts";
import type { Stray } from "../../src/deployment/recover.ts";
import { arn, createStage, type Stage, token } from "../api/support/stage.ts";
import { startBuilt } from "../support/processes.ts";

// Each of them starts many processes.
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage;
let url: string;
beforeEach(async () => {
  stage = await createStage();
  url = await stage.app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => stage.app.close());

async function teal(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { TEAL_URL: url, TEAL_TOKEN: token, NO_COLOR: "1", FORCE_COLOR: undefined };
  const process = startBuilt("src/cli/main.js", args, { name: "teal", env });
  const { code } = await process.exited;
  return { code, output: process.output() };
}

const set = { arn: "green", id: "ecs-svc/2", status: "ACTIVE", scalePercent: 50, running: 1 };
const underWay: Stray = {
  deployment: "checkout-1",
  state: "under-way",
  set,
  blue: { arn: "blue", id: "ecs-svc/1", status: "PRIMARY", scalePercent: 100, running: 4 },
  rollingBack: false,
  routes: [
    { arn: arn("listener", "app/web"), now: { blue: 50, green: 50 }, before: { blue: 1, green: 0 } },
    { arn: arn("listener-rule", "app/web"), before: { blue: 1, green: 0 } },
  ],
  ways: ["forward", "back"],
};

it("draws what is there and the commands to run", () => {
  const orphan: Stray = {
    deployment: "checkout-0",
    state: "orphan",
    set,
    rollingBack: true,
    routes: [],
    ways: ["remove"],
  };
  const text = drawStrays({ service: "checkout", strays: [underWay, orphan] }, pc.createColors(false)).join(
    "\n",
  );
  expect(text)
    .toBe(`checkout: no record answers for 2 task sets. Nothing moves until you say what becomes of them.

checkout-1
  state     under way: what it replaces is PRIMARY still
  green     ecs-svc/2  ACTIVE  scale 50 %  1 task
  blue      ecs-svc/1  PRIMARY  scale 100 %  4 tasks
  weights   listener web      blue:green 50:50, before 1:0
            rule web …d8a067  blue:green not of the pair, before 1:0
  forward   go on until green serves and blue is gone
            teal recover checkout --deployment checkout-1 --forward
  back      put everything back as it was before
            teal recover checkout --deployment checkout-1 --back

checkout-0
  state     left over: another task set is PRIMARY than the one it was to replace; it was being rolled back
  green     ecs-svc/2  ACTIVE  scale 50 %  1 task
  remove    take this task set away
            teal recover checkout --deployment checkout-0 --remove
`);
});

it("shows, and tells in passing", async () => {
  expect((await teal("recover")).output).toContain("Nothing to recover");
  stage.strays.push(underWay);
  const shown = await teal("recover", "checkout");
  expect(shown.output).toContain("teal recover checkout --deployment checkout-1 --back\n");
  expect(JSON.parse((await teal("recover", "checkout", "--json")).output)).toMatchObject({
    service: "checkout",
  });
  expect((await teal("list", "checkout")).output).toBe("No deployments.\n1 stray: teal recover checkout\n");
  expect((await teal("list", "worker")).output).toBe("No deployments.\n");
  const status = await teal("status", "checkout");
  expect(status.code).toBe(2);
  expect(status.output).toContain("→ 1 stray: teal recover checkout");
});

it("does as told, and refuses what it can't do", async () => {
  stage.strays.push(underWay);
  const wrong = [["--remove"], ["--forward", "--back"]].map((ways) =>
    teal("recover", "checkout", "--deployment", "checkout-1", ...ways),
  );
  expect((await Promise.all(wrong)).map(({ code }) => code)).toEqual([3, 2]);
  const partial = [["--forward"], ["--deployment", "checkout-1"]].map((some) =>
    teal("recover", "checkout", ...some),
  );
  expect((await Promise.all(partial)).map(({ code }) => code)).toEqual([2, 2]);

  const back = teal("recover", "checkout", "--deployment", "checkout-1", "--back");
  await expect
    .poll(async () => (await stage.records.list({ limit: 1 })).deployments[0]?.recovers, { timeout: 10_000 })
    .toBe("checkout-1");
  await stage.commit(
    "d1",
    (d) => {
      d.phase = "rolled_back";
      d.note = "blue serves as before";
      d.settled = true;
    },
    [{ type: "phase", from: "rolling_back", to: "rolled_back" }, "blue serves as before"],
  );
  expect(await back).toMatchObject({
    code: 0,
    output: expect.stringContaining("✓ checkout: blue serves as before"),
  });
});
