/** Worlds for scenarios: the promises are watched in each of them, and a test in which one is broken fails. */
import { afterEach, expect } from "vitest";
import { type Watch, watchPromises } from "./promises.ts";
import { need, region, World, type WorldOptions } from "./world.ts";

const watches: Watch[] = [];

afterEach(() => {
  const violations = watches.splice(0).flatMap((watch) => {
    watch.check();
    watch.stop();
    return watch.violations;
  });
  expect(violations).toEqual([]);
});

export function watchedWorld(options: WorldOptions = {}): World {
  const world = new World(options);
  watches.push(watchPromises(world));
  return world;
}

/** Every answer that a deployment gave to commands, oldest first. */
export async function answers(world: World, id: string): Promise<{ obeyed: boolean; message: string }[]> {
  const events = await world.events(id);
  return events.flatMap((event) =>
    event.type === "command" ? [{ obeyed: event.obeyed, message: event.message }] : [],
  );
}

/** Calls that changed something, as `Action` with how it ended. */
export function mutations(world: World): string[] {
  return world.local.calls
    .recent()
    .filter((call) => !/^(Describe|List|Get)/.test(call.action))
    .map((call) => `${call.action} ${call.outcome}`);
}

/** Running tasks of a task set, as the model has them. */
export function tasksOf(world: World, taskSetArn: string | undefined) {
  return [...world.aws.region(region).ecs.tasks.values()].filter(
    (task) => task.taskSetArn === taskSetArn && task.desiredStatus === "RUNNING",
  );
}

/** Somebody else writes the pair's weights on a route: those of the two groups in the order they were laid. */
export function writeWeights(
  world: World,
  route: string,
  groups: [string, string],
  weights: [number, number],
) {
  const [first, second] = groups;
  const actions = [
    {
      Type: "forward" as const,
      ForwardConfig: {
        TargetGroups: [
          { TargetGroupArn: first, Weight: weights[0] },
          { TargetGroupArn: second, Weight: weights[1] },
        ],
      },
    },
  ];
  if (route.includes(":listener-rule/")) {
    world.aws.elb(region, "ModifyRule", { RuleArn: route, Actions: actions });
  } else world.aws.elb(region, "ModifyListener", { ListenerArn: route, DefaultActions: actions });
}

/**
 * All of a region that is not a weight of the pair and not a task set or what comes and goes with one: listeners,
 * rules, target groups with their attributes, services, their tags. Compared field by field.
 */
export function surroundings(world: World, pair: readonly string[]) {
  const { listeners, rules, targetGroups, services } = need(world.aws.snapshot()[region]);
  const masked: unknown = JSON.parse(
    JSON.stringify({
      listeners,
      rules,
      targetGroups,
      services: services.map(({ primary: _primary, events: _events, ...service }) => service),
    }),
    (_key, value: unknown) => {
      const isTuple = typeof value === "object" && value !== null && "TargetGroupArn" in value;
      return isTuple && "Weight" in value && pair.includes(String(value.TargetGroupArn))
        ? { ...value, Weight: "of the pair" }
        : value;
    },
  );
  return masked;
}
