/** What a deployment came to, in a form that is the same for two runs that came to the same. */
import { type RouteRef, routesOf } from "../../src/deployment/target.ts";
import { region } from "../support/quick-world.ts";
import type { Stage } from "./stage.ts";

export interface Ending {
  phase: string;
  held: string | undefined;
  pending: boolean;
  /** Task sets that the service has now. */
  sets: object[];
  /** Every field of the listener and the rules. */
  routes: object[];
  /** How many task sets and revisions were ever made for it. */
  made: { taskSets: number; revisions: number };
  /** Whether the hook was asked one thing, however often: a repeat carries the same key. */
  askedOnce: boolean;
  /** Phases and steps in the order in which they happened. */
  course: string[];
  /** Whether events count from 0 without holes, and the record counts them all. */
  whole: boolean;
}

export async function endingOf(stage: Stage, id: string): Promise<Ending> {
  const { aws } = stage.local;
  const d = await stage.deployment(id);
  const events = await stage.events(id);
  const { target, blue } = d;
  const [service] = aws.ecs(region, "DescribeServices", {
    cluster: target.cluster,
    services: [target.service],
    include: ["TAGS"],
  }).services;
  const routes = routesOf(target);
  const arns = (kind: RouteRef["kind"]) => routes.filter((one) => one.kind === kind).map(({ arn }) => arn);
  const made = stage.created.filter(({ request }) => request.includes(id)).map(({ arn }) => arn);
  const revisions = aws.ecs(region, "ListTaskDefinitions", {
    familyPrefix: target.service,
  }).taskDefinitionArns;
  return {
    phase: d.phase,
    held: d.hold?.kind,
    pending: d.pending !== undefined,
    sets: (service?.taskSets ?? []).map((set) => ({
      who: set.taskSetArn === blue?.arn ? "blue" : "green",
      status: set.status,
      scale: set.scale,
      steady: set.stabilityStatus,
      running: set.runningCount,
      pending: set.pendingCount,
      taskDefinition: set.taskDefinition,
      loadBalancers: set.loadBalancers,
      networkConfiguration: set.networkConfiguration,
      tags: (set.tags ?? []).map((tag) => ({ ...tag, value: tag.value === id ? "its id" : tag.value })),
    })),
    routes: [
      ...aws.elb(region, "DescribeListeners", { ListenerArns: arns("listener") }).Listeners,
      ...aws.elb(region, "DescribeRules", { RuleArns: arns("rule") }).Rules,
    ],
    made: { taskSets: new Set(made).size, revisions: revisions.length },
    askedOnce: stage.hookKeys.every((key) => key === `${id}/smoke/1`),
    course: events.flatMap((event) => {
      if (event.type === "phase") return [event.to];
      return event.type === "step" ? [event.what] : [];
    }),
    whole: events.every((event, i) => event.seq === i) && d.events === events.length,
  };
}
