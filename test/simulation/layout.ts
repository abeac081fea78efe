/** The world as a plan has it, before anything is done to it. */
import { type Laid, region, World, type WorldOptions } from "../support/world.ts";
import type { Plan } from "./chaos.ts";
import { type Circumstances, restOfRoutes } from "./ends.ts";
import { rememberLooks } from "./memory.ts";

/** A service, and how it was before anything began. */
export interface Service extends Laid, Pick<Circumstances, "rest" | "sum" | "test"> {}

type Planned = Plan["services"][number];

export function layOut(plan: Plan, options: WorldOptions): { world: World; services: Service[] } {
  const world = new World({
    seed: plan.seed,
    settings: { ...plan.settings, behaviours: imagesOf(plan) },
    wrap: rememberLooks,
    metrics: plan.services.some(({ traffic }) => traffic !== undefined) ? "traffic" : false,
    ...options,
  });
  const services = plan.services.map((planned, n) => lay(world, `s${n}`, planned));
  for (const [n, { traffic }] of plan.services.entries())
    if (traffic !== undefined) world.traffic(services[n]?.listener ?? "", { perMinute: traffic });
  for (const fault of plan.faults) world.local.faults.add(fault);
  return { world, services };
}

function lay(world: World, name: string, { desired, forward, test, network }: Planned): Service {
  const laid = world.lay(name, {
    desired,
    ...routesOf(forward),
    grace: 3,
    ...(test && { test }),
    ...(network && { network }),
  });
  return { ...laid, rest: restOfRoutes(world.aws.region(region), laid), sum: sums[forward], test };
}

function imagesOf(plan: Plan): Plan["behaviours"] {
  return Object.fromEntries(
    Object.entries(plan.behaviours).flatMap(([version, behaviour]) =>
      plan.services.map((_, n) => [`demo/s${n}:${version}`, behaviour]),
    ),
  );
}

/** What the pair's weights sum up to, whoever serves. Beside a third group they can't be scaled, only shared. */
const sums = { one: 1, hundred: 200, three: 20, sticky: 1 } satisfies Record<Planned["forward"], number>;

/** All of the pair's weight on the first group; beside it a third group, or clients that stay where they were. */
function routesOf(kind: Planned["forward"]) {
  const forward = ([a, b]: [string, string]) => [
    { TargetGroupArn: a, Weight: sums[kind] },
    { TargetGroupArn: b, Weight: 0 },
  ];
  if (kind !== "three" && kind !== "sticky") return { forward };
  return {
    forward,
    actions: (pair: { TargetGroupArn: string; Weight: number }[], third: string) => [
      {
        Type: "forward" as const,
        ForwardConfig:
          kind === "three"
            ? { TargetGroups: [...pair, { TargetGroupArn: third, Weight: 7 }] }
            : { TargetGroups: pair, TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 600 } },
      },
    ],
  };
}
