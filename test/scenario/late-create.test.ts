/** A create that AWS performs long after everybody gave it up, when its deployment has gone back and ended. */
import { expect, it } from "vitest";
import type { AwsEffect } from "../../src/deployment/effect.ts";
import type { Cloud } from "../../src/engine/ports.ts";
import { need, World } from "../support/world.ts";

it("a second set that appears after the end, its token forgotten with the first one, is taken away", async () => {
  let late: AwsEffect | undefined;
  let aws: Cloud | undefined;
  const world = new World({
    wrap: (cloud) => {
      aws = cloud;
      return {
        look: (target, look, deadline) => cloud.look(target, look, deadline),
        perform: async (target, effect, guard) => {
          if (effect.kind !== "createTaskSet" || late) return await cloud.perform(target, effect, guard);
          late = effect;
          const fault = { code: "Timeout", message: "no answer", action: "ecs:CreateTaskSet" };
          return { kind: "unknown", at: world.clock.now(), fault: { ...fault, class: "repeat" } };
        },
      };
    },
  });
  const laid = world.lay();
  const id = await world.start(laid, { taskDefinition: "checkout:2" });
  await world.until("sent", () => late !== undefined);
  await world.ask(id, "rollback");
  await world.ends(id, "rolled_back");
  expect(world.sets()).toHaveLength(1);

  const guard = { deadline: world.clock.now() + 1_000, allowed: async () => true };
  await need(aws).perform(laid.target, need(late), guard);
  expect(world.sets()).toHaveLength(2);
  await world.until("put right", () => world.sets().length === 1);
  expect(world.sets()).toMatchObject([{ status: "PRIMARY" }]);
});
