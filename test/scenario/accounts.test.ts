/** Services in other accounts and other regions, each deployed where it is, all at the same time. */
import { describe, expect, it } from "vitest";
import { buildWorld } from "../../sandbox/world/build.ts";
import { worldSchema } from "../../sandbox/world/schema.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import { placeOf, targetOf } from "../support/quick-world.ts";
import { ada, canary, need, World } from "../support/world.ts";

const other = "222222222222";
const roleArn = `arn:aws:iam::${other}:role/teal`;
const hour = 3_600_000;
/** Every call is signed as the SDK does it, so turns take longer than elsewhere. */
const timeout = 60_000;
const place = placeOf(["checkout"], 2);

/** `prod/checkout` three times: at home, in another account, in another region; each known to Teal by a name. */
function scene(externalId = "shop-42") {
  const world = new World();
  const arns = buildWorld(
    world.aws,
    worldSchema.parse({
      ...place,
      elsewhere: [
        { account: other, roles: [{ name: "teal", externalId: "shop-42" }], ...place },
        { region: "us-east-1", ...place },
      ],
    }),
  );
  world.clock.advance(60_000);
  const targets = {
    here: { ...targetOf(arns, "checkout"), name: "here" },
    there: {
      ...targetOf(need(arns.elsewhere[0]), "checkout"),
      name: "there",
      account: { roleArn, externalId },
    },
    overseas: { ...targetOf(need(arns.elsewhere[1]), "checkout"), name: "overseas", region: "us-east-1" },
  } satisfies Record<string, ServiceTarget>;
  const start = async (target: ServiceTarget, retainMs = 0) => {
    const { deployment } = await world.engine.start({
      target,
      strategy: canary([{ kind: "weight", percent: 100 }], { retainMs }),
      request: { images: { app: `demo/app:${target.name}` } },
      actor: ada,
      whenBusy: "reject",
    });
    return deployment.id;
  };
  return { world, targets, start };
}

/** The PRIMARY sets' definitions, and the weights of the default action, as a place has them. */
function served(world: World, key: string) {
  const { taskSets, listeners } = need(world.aws.snapshot()[key]);
  return {
    sets: taskSets.map((set) => `${set.status} ${set.taskDefinition}`),
    weights: listeners[0]?.actions[0]?.ForwardConfig?.TargetGroups.map(({ Weight }) => Weight),
  };
}

describe("the same service in two accounts and two regions", { timeout }, () => {
  it("is deployed in each at the same time, with one role assumed once", async () => {
    const { world, targets, start } = scene();
    const ids = await Promise.all(Object.values(targets).map((target) => start(target)));
    for (const id of ids) await world.ends(id, "succeeded");

    for (const key of ["eu-west-1", `${other}/eu-west-1`, "us-east-1"]) {
      const [region = "", account = "000000000000"] = key.split("/").toReversed();
      const definition = `arn:aws:ecs:${region}:${account}:task-definition/checkout:2`;
      expect(served(world, key)).toEqual({ sets: [`PRIMARY ${definition}`], weights: [0, 1] });
    }
    const calls = world.local.calls.recent();
    expect(calls.filter(({ action }) => action === "AssumeRole").map(({ outcome }) => outcome)).toEqual([
      "ok",
    ]);
    const sets = calls.filter(({ action }) => action === "CreateTaskSet");
    expect(sets.map(({ account, region }) => `${account} ${region}`).toSorted()).toEqual([
      "000000000000 eu-west-1",
      "000000000000 us-east-1",
      `${other} eu-west-1`,
    ]);
    // Nobody ever asked for what belongs to somebody else.
    expect(calls.filter(({ outcome }) => /NotFound|MISSING/.test(outcome))).toEqual([]);
  });
});

describe("a role", { timeout }, () => {
  it("that refuses is told with what to do, and the deployment goes on once it is put right", async () => {
    const { world, targets, start } = scene("shop-43");
    const id = await start(targets.there);
    await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck");
    const { hold, phase } = await world.deployment(id);
    expect(phase).toBe("preparing");
    expect(hold?.reason).toBe(
      `sts:AssumeRole is refused with AccessDenied: User: arn:aws:iam::000000000000:user/sandbox is not authorized to perform: sts:AssumeRole on resource: ${roleArn}. ` +
        `The role ${roleArn} must trust Teal's own identity with the externalId of teal.yaml, and that identity needs sts:AssumeRole for it. ` +
        "Put that right and retry, or release the deployment.",
    );
    world.aws.sts.putRole({ account: other, name: "teal", externalId: "shop-43", maxSessionSeconds: 3_600 });
    await world.ends(id, "succeeded");
  });

  it("is assumed again as its sessions end, for as long as the deployment lasts", async () => {
    const { world, targets, start } = scene();
    const id = await start(targets.there, hour);
    await world.reaches(id, "retaining");
    await world.run(hour - 4 * 60_000);
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(served(world, `${other}/eu-west-1`).weights).toEqual([1, 0]);
    const outcomes = world.local.calls.byOutcome();
    expect(outcomes["sts:AssumeRole ok"]).toBeGreaterThan(1);
    expect(Object.keys(outcomes).filter((name) => /Expired|Denied/.test(name))).toEqual([]);
  });

  it("whose sessions are revoked is assumed again at once, and nothing is held up", async () => {
    const { world, targets, start } = scene();
    const id = await start(targets.there);
    for (const phase of ["provisioning", "draining"] as const) {
      await world.reaches(id, phase);
      world.aws.sts.revoke(roleArn);
    }
    await world.ends(id, "succeeded");
    const outcomes = Object.keys(world.local.calls.byOutcome());
    expect(outcomes).toContain("elasticloadbalancing:DescribeRules ExpiredToken");
    expect((await world.events(id)).filter(({ message }) => /stuck|Expired/.test(message))).toEqual([]);
  });
});
