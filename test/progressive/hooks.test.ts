/** Hooks at each of ECS's lifecycle stages, and as a step: what the world is like when they are asked, what follows. */
import { describe, expect, it } from "vitest";
import { stages } from "../../src/deployment/hook.ts";
import { given, type Given, minute, onBlue, onGreen } from "./given.ts";

const atAllStages = `
steps: [{ weight: 10 }, { weight: 100 }]
hooks:
${stages.map((stage) => `  - { stage: ${stage}, url: "https://hooks.example/${stage}" }`).join("\n")}
`;

/** With a rule that leads requests of testers to whichever version it is told. */
const tested = (strategy: string) =>
  given(strategy, {
    lay: { test: [1, 0] },
    service: ({ testRule }) => `testRoutes: [{ rule: ${testRule} }]`,
  });

/** Green's tasks, and where requests go, as AWS has it. */
function scene({ world, laid }: Given): string {
  const [, green] = world.sets();
  const [production] = world.weights(laid);
  const test = world.routeWeights(laid, laid.testRule);
  return `green ${green ? `runs ${green.runningCount}` : "is not there"}, test ${test.join(":")}, production ${production?.join(":")}`;
}

describe("hooks at the stages", () => {
  it("are asked one after the other, each in the world of its stage", async () => {
    const checkout = await tested(atAllStages);
    const asked: string[] = [];
    checkout.world.outside.answer = ({ body }) => {
      asked.push(`${String(body["stage"])}: ${scene(checkout)}`);
      return { status: "SUCCEEDED" };
    };
    const id = await checkout.deploy();
    await checkout.world.ends(id, "succeeded");
    expect(asked).toEqual([
      "PRE_SCALE_UP: green is not there, test 1:0, production 1:0",
      "POST_SCALE_UP: green runs 1, test 1:0, production 1:0",
      "TEST_TRAFFIC_SHIFT: green runs 1, test 0:1, production 1:0",
      "POST_TEST_TRAFFIC_SHIFT: green runs 1, test 0:1, production 1:0",
      "PRE_PRODUCTION_TRAFFIC_SHIFT: green runs 1, test 0:1, production 1:0",
      "PRODUCTION_TRAFFIC_SHIFT: green runs 1, test 0:1, production 90:10",
      "PRODUCTION_TRAFFIC_SHIFT: green runs 4, test 0:1, production 0:1",
      "POST_PRODUCTION_TRAFFIC_SHIFT: green runs 4, test 0:1, production 0:1",
    ]);
    expect(new Set(checkout.world.outside.calls.map((call) => call.idempotencyKey)).size).toBe(asked.length);
    const { gates } = await checkout.teal.look(id);
    expect(gates.map(({ stage, id: gate, state }) => `${stage} ${gate} ${state}`)).toEqual([
      "PRE_SCALE_UP pre-scale-up done",
      "POST_SCALE_UP post-scale-up done",
      "TEST_TRAFFIC_SHIFT test-traffic-shift done",
      "POST_TEST_TRAFFIC_SHIFT post-test-traffic-shift done",
      "PRE_PRODUCTION_TRAFFIC_SHIFT pre-production-traffic-shift done",
      "PRODUCTION_TRAFFIC_SHIFT production-traffic-shift-10 done",
      "PRODUCTION_TRAFFIC_SHIFT production-traffic-shift-100 done",
      "POST_PRODUCTION_TRAFFIC_SHIFT post-production-traffic-shift done",
    ]);
  });

  it.each(stages)("a refusal at %s turns the deployment back to where it began", async (stage) => {
    const { world, laid, teal, deploy } = await tested(atAllStages);
    const before = world.sets().map(({ taskSetArn }) => taskSetArn);
    world.outside.answer = ({ body }) =>
      body["stage"] === stage ? { status: "FAILED", message: "not like this" } : { status: "SUCCEEDED" };
    const id = await deploy();
    await world.ends(id, "rolled_back");
    expect((await teal.look(id)).cause).toMatchObject({
      code: "hook-failed",
      message: expect.stringMatching(/^[a-z0-9-]+: FAILED: not like this$/),
    });
    expect(world.outside.calls.at(-1)?.body["stage"]).toBe(stage);
    expect(world.weights(laid)).toEqual(onBlue);
    expect(world.routeWeights(laid, laid.testRule)).toEqual([1, 0]);
    expect(world.sets()).toMatchObject([{ taskSetArn: before[0], status: "PRIMARY", runningCount: 4 }]);
  });
});

const smoke = (more = "") => `
steps: [{ weight: 10 }, { hook: { url: "https://hooks.example/smoke", id: smoke${more} } }, { weight: 100 }]
`;

describe("a hook as a step", () => {
  it("is asked with what it needs to know, again when it said, and lets traffic on", async () => {
    const { world, laid, teal, deploy, standsAt } = await given(smoke());
    let done = false;
    world.outside.answer = () =>
      done ? { status: "SUCCEEDED" } : { status: "IN_PROGRESS", callBackMs: 5 * minute };
    const id = await deploy({ build: 7 });
    await standsAt(id, "smoke");
    await world.run(4 * minute);
    expect(world.outside.calls).toHaveLength(1);
    expect(world.outside.calls[0]?.body).toMatchObject({
      deployment: id,
      service: "checkout",
      gate: "smoke",
      attempt: 1,
      strategy: "usual",
      weightPercent: 10,
      build: 7,
      green: { taskDefinition: expect.stringMatching(/checkout:2$/) },
      blue: { taskDefinition: expect.stringMatching(/checkout:1$/) },
    });
    expect((await teal.look(id)).gates[0]).toMatchObject({
      state: "current",
      hook: { host: "hooks.example", attempt: 1, answer: { status: "IN_PROGRESS" } },
    });
    done = true;
    await world.ends(id, "succeeded");
    expect(world.outside.calls.map((call) => call.idempotencyKey)).toEqual([
      `${id}/smoke/1`,
      `${id}/smoke/1`,
    ]);
    expect(world.weights(laid)).toEqual(onGreen);
  });

  it("that does not end in its time turns the deployment back", async () => {
    const { world, teal, deploy } = await given(smoke(", timeout: 10m"));
    world.outside.answer = () => ({ status: "IN_PROGRESS", callBackMs: minute });
    const id = await deploy();
    await world.ends(id, "rolled_back");
    expect((await teal.look(id)).cause?.message).toBe("smoke was not passed within 10 min: IN_PROGRESS");
  });

  it("that refuses pauses where it says so, and is asked anew by whoever resumes", async () => {
    const { world, laid, teal, deploy } = await given(smoke(", onFailure: pause"));
    world.outside.answer = () => ({ status: "FAILED", message: "no database" });
    const id = await deploy();
    await world.until("paused", async () => (await teal.look(id)).hold?.kind === "paused");
    expect((await teal.look(id)).hold?.reason).toBe(
      "smoke: FAILED: no database; resume to call it again, skip smoke, or roll back",
    );
    await world.run(10 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    world.outside.answer = () => ({ status: "SUCCEEDED" });
    await teal.ask(id, "resume");
    await world.ends(id, "succeeded");
    expect(world.outside.calls.at(-1)?.idempotencyKey).toBe(`${id}/smoke/2`);
  });

  it("that refuses is no matter where it says so", async () => {
    const { world, deploy } = await given(smoke(", onFailure: proceed"));
    world.outside.answer = () => ({ status: "FAILED" });
    await world.ends(await deploy(), "succeeded");
  });
});
