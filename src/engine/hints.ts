/**
 * Hints: what AWS tells of by itself wakes the deployments that it concerns. Such events come late, twice, in any
 * order or not at all (EventBridge docs), so nothing is believed of them but that a look is worth while.
 */
import { watchedAlarms } from "../deployment/analysis.ts";
import type { Actor, Deployment } from "../deployment/record.ts";
import { accountIdOf, type ServiceTarget } from "../deployment/target.ts";
import { wakeOrLeave } from "./accepting.ts";
import type { Engine, EngineParts } from "./engine.ts";

/** As EventBridge passes it on; only what is needed of it. */
export interface AwsHint {
  id: string;
  "detail-type": string;
  account: string;
  region: string;
  resources: string[];
  detail: Record<string, unknown>;
}

const by: Actor = { kind: "ci", name: "eventbridge" };
const alarmChange = "CloudWatch Alarm State Change";
/** At the same time. */
const loadsMax = 50;

/**
 * Wakes the deployments that the event concerns, those that act and those that keep their old task set, and gives
 * their ids. Safe to repeat. Throws `unavailable`.
 */
export async function hint(
  event: AwsHint,
  targets: readonly ServiceTarget[],
  parts: EngineParts,
  engine: Pick<Engine, "ask">,
): Promise<string[]> {
  const alarm = event["detail-type"] === alarmChange ? text(event.detail["alarmName"]) : undefined;
  const near = targets.filter(
    (target) => isNear(target, event) && (alarm !== undefined || isNamed(target, event)),
  );
  const woken: string[] = [];
  for (const d of await underWay(near, parts)) {
    if (alarm === undefined) await wakeOrLeave(parts, d.id);
    else if (watchedAlarms(d).includes(alarm)) {
      await engine.ask(d.id, { kind: "look", actor: by, alarm, commandId: `hint-${event.id}` });
    } else continue;
    woken.push(d.id);
  }
  return woken;
}

function isNear(target: ServiceTarget, { account, region }: AwsHint): boolean {
  return target.region === region && [account, undefined].includes(accountIdOf(target));
}

/** `arn:aws:ecs:eu-west-1:123456789012:service/prod/checkout`; the older form lacks the cluster. */
function isNamed({ cluster, service }: ServiceTarget, { resources }: AwsHint): boolean {
  const clusterName = cluster.split("/").at(-1);
  return resources.some((arn) => {
    const [, ...names] = arn.split(":").at(-1)?.split("/") ?? [];
    return names.at(-1) === service && (names.length === 1 || names.at(-2) === clusterName);
  });
}

async function underWay(targets: readonly ServiceTarget[], { records }: EngineParts): Promise<Deployment[]> {
  const found: Deployment[] = [];
  for (let from = 0; from < targets.length; from += loadsMax) {
    const slots = await Promise.all(
      targets.slice(from, from + loadsMax).map(({ name }) => records.slot(name)),
    );
    const ids = slots.flatMap(({ acting, retaining }) =>
      [acting, retaining].filter((id) => id !== undefined),
    );
    const loaded = await Promise.all(ids.map((id) => records.load(id)));
    found.push(...loaded.filter((d) => d !== undefined));
  }
  return found;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
