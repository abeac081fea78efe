/**
 * Looks are most of a run's cost, and most of them see what the last one saw. One that would is answered from
 * memory: the model is asked directly, which costs next to nothing, whether its answers are the same. Where reads
 * may meet faults, or anything has changed, the real adapters read through the SDK.
 */
import type { Look, Seen } from "../../src/deployment/observation.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import type { Cloud } from "../../src/engine/ports.ts";
import type { LocalAws } from "../../sandbox/start.ts";

type Looked = Omit<Seen, "slot" | "outcome">;

export function rememberLooks(cloud: Cloud, local: LocalAws): Cloud {
  const last = new Map<string, { state: string; looked: Looked }>();
  return {
    perform: (target, effect, guard) => cloud.perform(target, effect, guard),
    look: async (target, look, deadline) => {
      const faulty = local.faults.list().some((rule) => rule.action === undefined);
      if (faulty || look.survey || look.registered) return await cloud.look(target, look, deadline);
      const key = `${target.name} ${JSON.stringify(look)}`;
      const state = picture(local, target, look);
      const known = last.get(key);
      if (known?.state === state) return at(known.looked, local.aws.clock.now());
      const looked = await cloud.look(target, look, deadline);
      // What changed while it was read is not what was compared.
      if (picture(local, target, look) === state && allRead(looked)) last.set(key, { state, looked });
      else last.delete(key);
      return looked;
    },
  };
}

function picture({ aws }: LocalAws, target: ServiceTarget, look: Look): string {
  const { region, cluster, service } = target;
  const ask = (name: "ecs" | "elasticloadbalancing", action: string, params: object): unknown => {
    try {
      return aws.perform(name, action, region, params);
    } catch (error) {
      return String(error);
    }
  };
  const tasks = look.tasks.length > 0 && [
    ask("ecs", "ListTasks", { cluster, serviceName: service, desiredStatus: "RUNNING" }),
    ask("ecs", "ListTasks", { cluster, serviceName: service, desiredStatus: "STOPPED" }),
  ];
  const arns = Array.isArray(tasks)
    ? tasks.flatMap((list) => (list as { taskArns?: string[] }).taskArns ?? [])
    : [];
  return JSON.stringify([
    look.service && ask("ecs", "DescribeServices", { cluster, services: [service], include: ["TAGS"] }),
    arns.length > 0 && ask("ecs", "DescribeTasks", { cluster, tasks: arns.slice(0, 100) }),
    look.health.map((arn) => ask("elasticloadbalancing", "DescribeTargetHealth", { TargetGroupArn: arn })),
    look.routes &&
      target.routes.map((ref) =>
        ref.kind === "listener"
          ? ask("elasticloadbalancing", "DescribeListeners", { ListenerArns: [ref.arn] })
          : ask("elasticloadbalancing", "DescribeRules", { RuleArns: [ref.arn] }),
      ),
  ]);
}

function allRead(looked: Looked): boolean {
  return readings(looked).every((reading) => reading.ok);
}

function readings(looked: Looked) {
  return [
    looked.service,
    looked.tasks,
    ...Object.values(looked.routes),
    ...Object.values(looked.health),
  ].filter((reading) => reading !== undefined);
}

/** The same answers, read now. */
function at(looked: Looked, now: number): Looked {
  const fresh = structuredClone(looked);
  for (const reading of readings(fresh)) reading.at = now;
  return fresh;
}
