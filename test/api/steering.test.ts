/** What people, CI and hooks ask of a deployment through the API, told in a whole world. */
import { describe, expect, it } from "vitest";
import { apiOn, placed, type Teal } from "../support/api-world.ts";
import { hookFault } from "../support/outside.ts";
import { watchedWorld } from "../support/scenario.ts";
import type { Laid, World } from "../support/world.ts";

const minute = 60_000;

interface Stage {
  world: World;
  laid: Laid;
  teal: Teal;
  id: string;
}

/** A deployment of these steps, in which nothing is measured; `more` is further YAML of the file. */
async function staged(steps: string, more = "", body: object = {}): Promise<Stage> {
  const world = watchedWorld();
  const laid = world.lay();
  const teal = await apiOn(
    world,
    `
services: { checkout: ${placed(laid, "strategy: stepwise, onBusy: queue")} }
strategies: { stepwise: { steps: ${steps}, analysis: [], hold: 5s } }
${more}`,
  );
  const request = { service: "checkout", taskDefinition: "checkout:2", ...body };
  const { id } = await teal.deploy(request);
  return { world, laid, teal, id };
}

async function at(percent: number, { world, laid }: Stage): Promise<void> {
  await world.until(`at ${percent} %`, () => world.weights(laid).every(([, green]) => green === percent));
  await world.run(5_000);
}

const answerTo = (teal: Teal, id: string, command: object) =>
  teal.post(`/v1/deployments/${id}/commands?wait=10s`, command);

const later = (teal: Teal, id: string, body: object, gate = "smoke", query = "?wait=10s") =>
  teal.post(`/v1/deployments/${id}/gates/${gate}/answer${query}`, body);

const deploy = (teal: Teal, body: object) =>
  teal.post("/v1/deployments", { service: "checkout", taskDefinition: "checkout:3", ...body });

describe("an approval", () => {
  const steps =
    "[{ weight: 10 }, { pause: { until: approval, id: release, by: [bob], timeout: 2h } }, { weight: 100 }]";

  it("is shown while it is waited for, refused to others, and lets the deployment go on", async () => {
    const stage = await staged(steps);
    const { world, teal, id } = stage;
    await at(10, stage);
    expect((await teal.look(id)).commands).toEqual(["rollback", "pause", "promote", "approve", "skip"]);
    for (const command of ["approve", "skip", "promote"]) {
      expect(await answerTo(teal, id, { command })).toMatchObject({
        status: 409,
        body: { code: "command-refused", detail: "release must be approved by bob, not by ada" },
      });
    }
    const bob = teal.as("bob");
    const before = world.clock.now();
    expect(await answerTo(bob, id, { command: "approve", gate: "other" })).toMatchObject({
      status: 409,
      body: { detail: "it waits at release, not at other" },
    });
    expect(await bob.ask(id, "approve", { gate: "release", reason: "looks good" })).toMatchObject({
      state: "obeyed",
      command: "approve",
      message: "release is approved; it goes on",
    });
    expect(world.clock.now()).toBe(before);
    await world.ends(id, "succeeded");
  });

  it("is kept where the answer is not waited for, and given once by its key", async () => {
    const stage = await staged(steps);
    const { world, teal, id } = stage;
    await at(10, stage);
    const approve = () =>
      teal
        .as("bob")
        .post(`/v1/deployments/${id}/commands`, { command: "approve" }, { "idempotency-key": "press-1" });
    expect(await approve()).toMatchObject({ status: 202, body: { state: "pending" } });
    await world.ends(id, "succeeded");
    // It would no longer fit, but it was answered.
    expect(await approve()).toMatchObject({
      status: 200,
      body: { message: "release is approved; it goes on" },
    });
    expect((await world.events(id)).filter((event) => event.type === "command")).toHaveLength(1);
  });
});

describe("promoting", () => {
  const steps = "[{ weight: 10 }, { pause: 2h }, { weight: 50 }, { pause: 2h }, { weight: 100 }]";

  it("ends a pause", async () => {
    const stage = await staged(steps);
    await at(10, stage);
    expect((await stage.teal.look(stage.id)).commands).toEqual(["rollback", "pause", "promote"]);
    expect((await stage.teal.ask(stage.id, "promote")).message).toBe("it goes on with step 3 of 5");
    await at(50, stage);
  });

  it("can be asked for a later moment, and all the way", async () => {
    const stage = await staged(steps);
    const { world, teal, id } = stage;
    await at(10, stage);
    const moment = new Date(world.clock.now() + 30 * minute).toISOString();
    const asked = { at: moment.replace(/Z$/, "+00:00"), full: true, ifHealthy: true };
    expect((await teal.ask(id, "promote", asked)).message).toMatch(
      /^it promotes at 2026-06-01 12:3.* UTC, if it is healthy then$/,
    );
    await world.run(29 * minute);
    expect(world.weights(stage.laid)[0]).toEqual([90, 10]);
    await world.run(3 * minute);
    await world.ends(id, "succeeded");
  });

  it("is left to a healthy green, now as well as later", async () => {
    const stage = await staged(steps);
    const { teal, id, world } = stage;
    await at(10, stage);
    await teal.ask(id, "pause");
    const refused = await answerTo(teal, id, { command: "promote", ifHealthy: true });
    expect(refused).toMatchObject({ status: 409, body: { detail: "ada paused it" } });
    await teal.ask(id, "resume");
    await teal.ask(id, "promote", { ifHealthy: true });
    await at(50, stage);
    const late = new Date(world.clock.now() + 31 * 24 * 60 * minute).toISOString();
    expect(await answerTo(teal, id, { command: "promote", at: late })).toMatchObject({
      status: 400,
      body: { detail: "A promotion can be asked for at most 30 days ahead." },
    });
  });
});

describe("a freeze", () => {
  const freezes = "freezes: [{ from: 2026-06-01, to: 2026-06-01, reason: audit, id: audit }]";

  it("is overridden by whoever says why", async () => {
    const { world, teal, id } = await staged("[{ weight: 100 }]", freezes);
    await world.run(minute);
    expect(await teal.look(id)).toMatchObject({
      phase: "queued",
      hold: { kind: "freeze", reason: "frozen until 2026-06-02 00:00:00 UTC: audit" },
      commands: ["rollback", "override"],
    });
    expect(await answerTo(teal, id, { command: "override" })).toMatchObject({
      status: 400,
      body: { problems: [{ path: "reason", message: "reason is missing: why go on all the same?" }] },
    });
    expect(await teal.ask(id, "override", { reason: "users are hurt" })).toMatchObject({
      message: "it goes on in spite of: audit",
    });
    await world.ends(id, "succeeded");
  });

  it("is lifted by a change of the file", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const text = `
services: { checkout: ${placed(laid)} }
defaults: { strategy: all-at-once, analysis: [], hold: 5s }
`;
    const teal = await apiOn(world, text + freezes);
    const { id } = await teal.deploy({ service: "checkout", taskDefinition: "checkout:2" });
    await world.run(minute);
    expect((await teal.look(id)).phase).toBe("queued");
    teal.reload(text);
    await world.ends(id, "succeeded");
  });
});

describe("a hook's answer", () => {
  const steps =
    "[{ weight: 10 }, { hook: { url: 'https://hooks.example/smoke', id: smoke } }, { weight: 100 }]";
  it("may come later, and ends the call that it is about", async () => {
    const stage = await staged(steps);
    const { world, teal, id } = stage;
    world.outside.answer = () => ({ status: "IN_PROGRESS", callBackMs: 3_600_000 });
    expect(await later(teal, id, { attempt: 1, status: "SUCCEEDED" })).toMatchObject({
      status: 409,
      body: { detail: expect.stringMatching(/ is \w+ and waits for no answer$/) },
    });
    await at(10, stage);
    expect((await teal.look(id)).commands).toEqual(["rollback", "pause", "promote", "skip"]);
    for (const [body, gate, message] of [
      [{ attempt: 2, status: "SUCCEEDED" }, "smoke", "smoke is at attempt 1; this is an answer to attempt 2"],
      [{ attempt: 1, status: "SUCCEEDED" }, "soak", "it waits at smoke, not at soak"],
    ] as const) {
      for (const query of ["", "?wait=10s"]) {
        expect(await later(teal, id, body, gate, query)).toMatchObject({
          status: 409,
          body: { detail: message },
        });
      }
    }
    expect((await later(teal, id, { attempt: 1 })).body.problems).toMatchObject([{ path: "status" }]);
    expect(await later(teal, id, { attempt: 1, hookStatus: "IN_PROGRESS", callBackDelay: 60 })).toMatchObject(
      {
        status: 200,
      },
    );
    const calls = world.outside.calls.length;
    await world.run(50_000);
    expect(world.outside.calls).toHaveLength(calls);
    const said = { attempt: 1, status: "SUCCEEDED", message: "all is well", more: "ignored" };
    expect(await later(teal, id, said)).toMatchObject({
      status: 200,
      body: { state: "obeyed", command: "answer", message: "smoke: SUCCEEDED" },
    });
    await world.ends(id, "succeeded");
    const asked = (await world.events(id)).find((event) => event.type === "command");
    expect(asked).toMatchObject({ actor: { kind: "ci", name: "ada" }, gate: "smoke" });
  });

  it("says FAILED for good, and turns the deployment back", async () => {
    const stage = await staged(steps);
    const { world, teal, id } = stage;
    world.outside.answer = () => hookFault("Timeout", "repeat");
    await world.until("called", () => world.outside.calls.length > 0);
    await later(teal, id, { attempt: 1, status: "FAILED", message: "x".repeat(600) });
    const ended = await world.ends(id, "rolled_back");
    expect(ended.cause).toEqual({ code: "hook-failed", message: `smoke: FAILED: ${"x".repeat(500)}` });
  });
});

describe("builds", () => {
  it("are refused where they are older than what was accepted, unless forced", async () => {
    const { world, teal, id } = await staged("[{ weight: 100 }]", "", { build: 7 });
    expect((await world.deployment(id)).request.build).toBe(7);
    expect(await deploy(teal, { build: 6 })).toMatchObject({
      status: 409,
      body: {
        code: "stale-build",
        detail: "build 6 of checkout is older than build 7, which was accepted before",
      },
    });
    expect(await deploy(teal, { build: 7 })).toMatchObject({ status: 201 });
    expect(await deploy(teal, { build: 6, force: true })).toMatchObject({ status: 201 });
    expect(await deploy(teal, {})).toMatchObject({ status: 201 });
    expect(await deploy(teal, { build: 1.5 })).toMatchObject({ status: 400 });
  });

  it("are told by the time of a commit where they have no number", async () => {
    const { world, teal, id } = await staged("[{ weight: 100 }]", "", {
      committedAt: "2026-06-01T12:00:00+02:00",
    });
    expect((await world.deployment(id)).request.build).toBe(Date.UTC(2026, 5, 1, 10) / 1000);
    expect(await deploy(teal, { committedAt: "2026-06-01T09:59:59Z" })).toMatchObject({
      status: 409,
      body: { code: "stale-build" },
    });
    expect(await deploy(teal, { committedAt: "2026-06-01T10:00:00.900Z" })).toMatchObject({ status: 201 });
    expect(await deploy(teal, { committedAt: "2026-06-01T10:00:00" })).toMatchObject({
      status: 400,
      body: {
        detail: "committedAt must be a moment with its offset, such as 2026-06-02T09:00:00+02:00.",
      },
    });
  });

  it("that are newer take the place of those that wait, where they are to", async () => {
    const { world, teal, id } = await staged("[{ weight: 100 }]");
    const waiting = (await deploy(teal, {})).body.id;
    const { body } = await deploy(teal, { taskDefinition: "checkout:4", whenBusy: "supersede" });
    await world.ends(waiting, "superseded");
    expect(await teal.look(waiting)).toMatchObject({ outcome: "failure", decided: true, commands: [] });
    await world.ends(id, "succeeded");
    await world.ends(body.id, "succeeded");
  });
});

it("a command is told what doesn't belong to it", async () => {
  const { teal, id } = await staged("[{ weight: 100 }]");
  const wrong = await answerTo(teal, id, {
    command: "pause",
    full: true,
    gate: "release",
    at: "tomorrow",
    more: 1,
  });
  expect(wrong.status).toBe(400);
  const paths = wrong.body.problems.map(({ path }: { path: string }) => path);
  expect(new Set(paths)).toEqual(new Set(["full", "gate", "at", "more"]));
  expect((await answerTo(teal, id, { command: "pause", full: true, gate: "release" })).body.problems).toEqual(
    [
      { code: "bad-request", path: "full", message: "full doesn't belong to pause, only to promote" },
      {
        code: "bad-request",
        path: "gate",
        message: "gate doesn't belong to pause, only to approve and skip",
      },
    ],
  );
  for (const command of ["yield", "supersede", "answer", "look"]) {
    expect((await answerTo(teal, id, { command })).status).toBe(400);
  }
});
