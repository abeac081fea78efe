/** Where AWS refuses what a person must allow, a deployment says so, and is told to try again or to give up. */
import { expect, it } from "vitest";
import { given, minute } from "./given.ts";

const denied = {
  fault: { kind: "error", code: "AccessDeniedException", message: "not authorized", status: 400 },
  action: "UpdateServicePrimaryTaskSet",
} as const;

async function refusedPrimary() {
  const checkout = await given("steps: [{ weight: 10 }, { pause: 1m }, { weight: 100 }]");
  checkout.world.local.faults.add(denied);
  const id = await checkout.deploy();
  const { world, teal } = checkout;
  await world.until("stuck", async () => (await teal.look(id)).hold?.kind === "stuck");
  const { hold, commands } = await teal.look(id);
  expect(hold?.reason).toContain("ecs:UpdateServicePrimaryTaskSet");
  expect(commands).toEqual(expect.arrayContaining(["rollback", "retry", "release"]));
  return { ...checkout, id };
}

it("retry goes on at once with what is allowed by then", async () => {
  const { world, teal, id } = await refusedPrimary();
  world.local.faults.clear();
  await teal.ask(id, "retry");
  await world.run(5_000);
  expect((await teal.look(id)).outcome).toBe("success");
  await world.ends(id, "succeeded");
});

it("release gives up, and lists what is left", async () => {
  const { world, teal, id } = await refusedPrimary();
  const { message } = await teal.ask(id, "release");
  expect(message).toMatch(
    /^given up; left as it is: blue \S+ \(PRIMARY, 100 %\), green \S+ \(ACTIVE, 100 %\), listener /,
  );
  await world.run(5 * minute);
  expect((await teal.look(id)).phase).toBe("abandoned");
  expect(world.sets()).toHaveLength(2);
});
