/** Back to an earlier deployment, whatever came after it, told in a whole world. */
import { describe, expect, it } from "vitest";
import { apiOn, placed, type Teal } from "../support/api-world.ts";
import { watchedWorld } from "../support/scenario.ts";
import type { World } from "../support/world.ts";

interface Stage {
  world: World;
  teal: Teal;
  deploy: (version: number, body?: object) => Promise<string>;
  /** What serves: the revision of the PRIMARY task set, and all that there are. */
  serving: () => string[];
}

/** @param more surroundings of the strategy, in YAML */
function stage(more = ""): Promise<Stage> {
  const world = watchedWorld();
  const laid = world.lay();
  return apiOn(
    world,
    `
services: { checkout: ${placed(laid, "strategy: stepwise, onBusy: queue")} }
strategies: { stepwise: { steps: [{ weight: 10 }, { pause: 1h }, { weight: 100 }], analysis: [], hold: 5s${more} } }
`,
  ).then((teal) => ({
    world,
    teal,
    deploy: async (version, body = {}) => {
      const request = { service: "checkout", taskDefinition: `checkout:${version}`, ...body };
      return (await teal.deploy({ strategy: "all-at-once", ...request })).id;
    },
    serving: () =>
      world
        .sets()
        .toSorted((a) => (a.status === "PRIMARY" ? -1 : 1))
        .map((set) => set.taskDefinition?.split("/")[1] ?? ""),
  }));
}

const back = (teal: Teal, id: string, body: object = {}, key = "press-1") =>
  teal.post(`/v1/deployments/${id}/redeploy`, body, { "idempotency-key": key });

describe("going back to an earlier deployment", () => {
  it("deploys again what it brought, without a canary, whatever the build", async () => {
    const { world, teal, deploy, serving } = await stage();
    const subnets = { awsvpcConfiguration: { subnets: ["subnet-9"] } };
    const second = await deploy(2, { build: 2, taskSet: { networkConfiguration: subnets } });
    await world.ends(second, "succeeded");
    for (const version of [3, 4]) await world.ends(await deploy(version, { build: version }), "succeeded");
    const answer = await back(teal, second, { reason: "4 and 3 are bad" });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        way: "redeploy",
        message: expect.stringMatching(/deploys again what it brought: arn:.*checkout:2, without a canary$/),
        deployment: { actor: { name: "ada" }, request: { reason: "4 and 3 are bad" } },
      },
    });
    const { id } = answer.body.deployment;
    expect(await back(teal, second, { reason: "4 and 3 are bad" })).toMatchObject({
      status: 201,
      headers: { "idempotency-replayed": "true" },
      body: { deployment: { id } },
    });
    const ended = await world.ends(id, "succeeded");
    expect(ended.green.create).toMatchObject({ networkConfiguration: subnets });
    expect(ended.undoes).toBeDefined();
    expect(serving()).toEqual(["checkout:2"]);
    expect((await teal.get("/v1/deployments")).body.deployments).toHaveLength(4);
    expect(await back(teal, (await world.deployment(id)).undoes ?? "")).toMatchObject({
      status: 409,
      body: { code: "idempotency-conflict" },
    });
  });

  it("rolls back what came after it while its task set is kept", async () => {
    const { world, teal, deploy, serving } = await stage(", retain: 1h");
    const second = await deploy(2, { strategy: "stepwise" });
    await world.reaches(second, "shifting");
    await teal.ask(second, "promote", { full: true });
    await world.reaches(second, "retaining");
    const third = await deploy(3, { strategy: "stepwise" });
    await world.reaches(third, "shifting");
    await teal.ask(third, "promote", { full: true });
    await world.reaches(third, "retaining");
    await world.ends(second, "succeeded");
    // The next one acts already: it makes room.
    const fourth = await deploy(4, { strategy: "stepwise" });
    await world.reaches(fourth, ["preparing", "provisioning"]);
    expect(await back(teal, second)).toMatchObject({
      status: 201,
      body: {
        way: "rollback",
        message: `${third} rolls back: it still has the task set that ${second} brought`,
        deployment: { id: third },
      },
    });
    await world.ends(third, "rolled_back");
    expect(["cancelled", "rolled_back"]).toContain((await world.deployment(fourth)).phase);
    expect(serving()).toEqual(["checkout:2"]);
    expect(await back(teal, second, {}, "press-2")).toMatchObject({ status: 200, body: { way: "none" } });
  });

  it("waits for nobody: what acts goes back, what waits goes on after it", async () => {
    const { world, teal, deploy, serving } = await stage();
    const ids: string[] = [];
    for (const version of [2, 3]) {
      ids.push(await deploy(version));
      await world.ends(ids.at(-1) ?? "", "succeeded");
    }
    const [second = ""] = ids;
    const acting = await deploy(4, { strategy: "stepwise" });
    await world.reaches(acting, "shifting");
    const waiting = await deploy(3);
    expect(await back(teal, second, { whenBusy: "reject" }, "press-0")).toMatchObject({
      status: 409,
      body: { code: "busy", detail: `${acting} acts on checkout` },
    });
    const { body } = await back(teal, second);
    const { id } = body.deployment;
    // Asked a second time without that key, it is found under way.
    expect(await back(teal, second, {}, "press-2")).toMatchObject({
      status: 200,
      body: { way: "redeploy", deployment: { id } },
    });
    expect(await world.ends(acting, "rolled_back")).toMatchObject({
      cause: { message: `ada asked for it: ${id} goes back to ${second}` },
    });
    await world.ends(id, "succeeded");
    expect(serving()[0]).toBe("checkout:2");
    await world.ends(waiting, "succeeded");
    expect(serving()).toEqual(["checkout:3"]);
  });

  it("calls off what has touched nothing yet, where it serves still", async () => {
    const { world, teal, deploy } = await stage();
    const second = await deploy(2);
    await world.ends(second, "succeeded");
    expect(await back(teal, second)).toMatchObject({ status: 200, body: { way: "none" } });
    world.calendar = {
      windows: [],
      freezes: [{ id: "f", from: 0, to: Date.UTC(2030, 0, 1), reason: "audit" }],
    };
    const third = await deploy(3);
    expect(await back(teal, second, {}, "press-2")).toMatchObject({ status: 201, body: { way: "rollback" } });
    await world.ends(third, "cancelled");
  });

  it("is not held up by a freeze", async () => {
    const { world, teal, deploy } = await stage();
    const second = await deploy(2);
    await world.ends(second, "succeeded");
    await world.ends(await deploy(3), "succeeded");
    world.calendar = {
      windows: [],
      freezes: [{ id: "f", from: 0, to: Date.UTC(2030, 0, 1), reason: "audit" }],
    };
    const { body } = await back(teal, second);
    await world.ends(body.deployment.id, "succeeded");
  });

  it("is refused to one that never served", async () => {
    const { world, teal, deploy } = await stage();
    const second = await deploy(2, { strategy: "stepwise" });
    await world.reaches(second, "shifting");
    await teal.ask(second, "rollback");
    await world.ends(second, "rolled_back");
    expect(await back(teal, second)).toMatchObject({
      status: 409,
      body: { detail: `${second} is rolled_back: only one that succeeded can be gone back to` },
    });
    expect((await back(teal, "checkout-x")).body.code).toBe("unknown-deployment");
  });
});
