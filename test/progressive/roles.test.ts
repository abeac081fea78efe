/** Who may do what in the course of a deployment: each with a token of their own, by their role and their name. */
import { describe, expect, it } from "vitest";
import { given, minute } from "./given.ts";

const steps = (gate: string) => `steps: [{ weight: 10 }, { pause: { ${gate} } }, { weight: 100 }]`;
const forbidden = (right: string) => new RegExp(`403.*may not ${right} for service checkout`);

describe("an approval", () => {
  it("is for approvers, and where it says so not for one who started the deployment", async () => {
    const { world, teal, standsAt } = await given(steps("until: approval, id: release, notStarter: true"));
    const olga = await teal.holder("olga", "operator");
    const { id } = await olga.deploy({ service: "checkout", taskDefinition: "checkout:2" });
    await standsAt(id, "release");
    // Another name in the header helps nobody who has a token of their own.
    const posing = await olga.post(
      `/v1/deployments/${id}/commands?wait=10s`,
      { command: "approve" },
      { "teal-actor": "paul" },
    );
    expect(posing).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("somebody else must approve release") },
    });

    const dora = await teal.holder("dora", "deployer");
    await expect(dora.ask(id, "approve")).rejects.toThrow(forbidden("approve"));
    await expect(dora.ask(id, "skip")).rejects.toThrow(forbidden("steer"));

    await (await teal.holder("paul", "approver")).ask(id, "approve");
    await world.ends(id, "succeeded");
    expect((await teal.look(id)).gates[0]?.passed).toMatchObject({ by: { name: "paul" }, how: "approved" });
  });

  it("that names who may goes by the token's name", async () => {
    const { world, teal, deploy, standsAt } = await given(steps("until: approval, id: release, by: [paul]"));
    const id = await deploy();
    await standsAt(id, "release");
    await expect((await teal.holder("anna", "approver")).ask(id, "approve")).rejects.toThrow(
      "release must be approved by paul, not by anna",
    );
    await (await teal.holder("paul", "approver")).ask(id, "approve");
    await world.ends(id, "succeeded");
  });
});

it("a freeze is overridden by operators alone, and rolled back in by deployers too", async () => {
  const freeze =
    'freezes: [{ from: "2026-06-01T12:02:00Z", to: "2026-06-02T12:00:00Z", reason: "the big sale", id: sale }]';
  const { world, teal, deploy, shows } = await given(steps("until: approval, id: release"), { file: freeze });
  const id = await deploy();
  await shows(10);
  await world.run(5 * minute);
  await teal.ask(id, "approve");
  await world.run(minute);
  expect((await teal.look(id)).hold?.kind).toBe("freeze");

  const dora = await teal.holder("dora", "deployer");
  await expect(dora.ask(id, "override", { reason: "it must be" })).rejects.toThrow(forbidden("override"));
  await (await teal.holder("olga", "operator")).ask(id, "override", { reason: "it must be" });
  await world.reaches(id, "draining");

  const next = await deploy();
  await world.run(minute);
  await dora.ask(next, "rollback");
  await world.ends(next, "cancelled");
});
