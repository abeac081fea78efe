/** The audit of a deployment that is carried out: who asked, why, what each call changed, and where to look it up. */
import { describe, expect, it } from "vitest";
import { apiOn, placed } from "../support/api-world.ts";
import { watchedWorld } from "../support/scenario.ts";

async function carriedOut() {
  const world = watchedWorld();
  const laid = world.lay();
  const teal = await apiOn(
    world,
    `
services:
  checkout: ${placed(laid, "strategy: careful")}
strategies:
  careful: { steps: [{ weight: 10 }, { pause: { until: approval, id: release } }, { weight: 100 }], retain: 1m }
`,
  );
  const { id } = await teal.deploy(
    { service: "checkout", taskDefinition: "checkout:2" },
    { "x-request-id": "ci-7" },
  );
  await world.reaches(id, "shifting");
  await world.run(60_000);
  await teal
    .as("bob")
    .post(
      `/v1/deployments/${id}/commands?wait=10s`,
      { command: "approve", reason: "ticket 7" },
      { "x-request-id": "desk-1" },
    );
  await teal.as("eve").post(`/v1/deployments/${id}/commands?wait=10s`, { command: "retry" });
  await world.ends(id, "succeeded");
  const read = async (query = "") => (await teal.get(`/v1/audit?limit=100${query}`)).body.lines;
  return { world, teal, id, read };
}

describe("the audit of a deployment", () => {
  it("tells every call with its reason, what was before and after, and AWS's request id", async () => {
    const { read, id } = await carriedOut();
    const calls = (await read("&kind=call")).toReversed();
    expect(calls.map((line: { what: string }) => line.what)).toEqual(
      expect.arrayContaining([
        "ecs:CreateTaskSet",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyRule",
        "ecs:UpdateServicePrimaryTaskSet",
        "ecs:UpdateTaskSet",
        "ecs:DeleteTaskSet",
      ]),
    );
    for (const call of calls) {
      expect(call).toMatchObject({
        deployment: id,
        service: "checkout",
        actor: { kind: "teal" },
        reason: expect.stringMatching(/./),
        result: "done",
        requestId: expect.stringMatching(/./),
        after: expect.anything(),
      });
    }
    const [shift] = calls.filter((call: { what: string }) => call.what.endsWith("ModifyListener"));
    expect([shift.before, shift.after]).toEqual([
      { blue: 1, green: 0 },
      { blue: 90, green: 10 },
    ]);
    const promoted = calls.find((call: { what: string }) => call.what.endsWith("PrimaryTaskSet"));
    expect(promoted.before.primary).not.toBe(promoted.after.primary);
    const [drained] = calls
      .filter((call: { what: string }) => call.what === "ecs:UpdateTaskSet")
      .toReversed();
    expect([drained.before, drained.after]).toEqual([{ scalePercent: 100 }, { scalePercent: 0 }]);
  });

  it("tells every command with who, why, what it changed, and the request that brought it", async () => {
    const { read } = await carriedOut();
    expect(await read("&actor=bob")).toEqual([
      expect.objectContaining({
        kind: "command",
        what: "approve",
        result: "obeyed",
        reason: "ticket 7",
        before: { phase: "shifting" },
        after: { phase: "shifting" },
        requestId: "desk-1",
      }),
    ]);
    expect(await read("&kind=deployment")).toEqual([
      expect.objectContaining({
        what: "deploy",
        actor: { kind: "operator", name: "ada" },
        requestId: "ci-7",
      }),
    ]);
  });

  it("is exported as JSON lines, the same lines in the same order", async () => {
    const { teal, read } = await carriedOut();
    const answer = await teal.app.inject({
      url: "/v1/audit",
      headers: { authorization: "Bearer a-token-of-the-tests", accept: "application/x-ndjson" },
    });
    expect(answer.headers["content-type"]).toBe("application/x-ndjson");
    const lines = answer.body
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toEqual(await read());
    expect(lines.length).toBeGreaterThan(8);
  });

  it("goes by page, and by time", async () => {
    const { teal, read, world } = await carriedOut();
    const all = await read();
    const told = [];
    for (let cursor = ""; ;) {
      const { lines, next } = (await teal.get(`/v1/audit?limit=3${cursor}`)).body;
      told.push(...lines);
      if (next === undefined) break;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
    expect(told).toEqual(all);
    const soon = new Date(world.clock.now()).toISOString();
    expect(await read(`&since=${soon}`)).toEqual([]);
    expect(await read(`&until=${all.at(-1).at}`)).toEqual([]);
    expect(await read(`&since=${all.at(-1).at}`)).toEqual(all);
  });
});
