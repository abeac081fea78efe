import type { Behaviour } from "./behaviour.ts";
import { behaviourOf, exitTask, setBehaviour, viewOfTask } from "./ecs/taskLife.ts";
import { matches } from "./elb/conditions.ts";
import type { Route } from "./elb/routes.ts";
import { forwardedGroups, targetsOf } from "./elb/state.ts";
import { placeName, type Region } from "./region.ts";
import type {
  Answer,
  ListenerView,
  Probe,
  Prober,
  RequestHead,
  TaskEvent,
  TaskView,
  Traffic,
  WeightedGroup,
} from "./traffic.ts";

/** The traffic's face over all regions. */
export class RegionTraffic implements Traffic {
  readonly #regions: ReadonlyMap<string, Region>;
  readonly #taskEars = new Set<(event: TaskEvent) => void>();
  readonly #listenerEars = new Set<() => void>();
  useProber: (prober: Prober) => void = () => undefined;

  constructor(regions: ReadonlyMap<string, Region>) {
    this.#regions = regions;
  }

  emitTask(event: TaskEvent): void {
    for (const ear of this.#taskEars) ear(event);
  }

  emitListeners(): void {
    for (const ear of this.#listenerEars) ear();
  }

  listeners(): ListenerView[] {
    return [...this.#regions.values()].flatMap((region) =>
      [...region.elb.listeners.values()].map(({ arn, loadBalancerArn, port, protocol }) => ({
        arn,
        loadBalancerArn,
        port,
        protocol,
      })),
    );
  }

  onListenersChanged(fn: () => void): () => void {
    this.#listenerEars.add(fn);
    return () => this.#listenerEars.delete(fn);
  }

  onTask(fn: (event: TaskEvent) => void): () => void {
    this.#taskEars.add(fn);
    return () => this.#taskEars.delete(fn);
  }

  answerFor(listenerArn: string, request: RequestHead): Answer | undefined {
    const region = this.#regionOf(listenerArn);
    const route = region?.routes.of(listenerArn).find(({ conditions }) => matches(conditions, request));
    return region === undefined || route === undefined ? undefined : answerOf(region, route);
  }

  effectiveShares(listenerOrRuleArn: string): Record<string, number> {
    const route = this.#regionOf(listenerOrRuleArn)?.routes.get(listenerOrRuleArn);
    const groups = forwardedGroups(route?.actions ?? []);
    const sum = groups.reduce((total, group) => total + group.weight, 0);
    return Object.fromEntries(groups.map((group) => [group.arn, sum === 0 ? 0 : group.weight / sum]));
  }

  tasks(): TaskView[] {
    return [...this.#regions.values()].flatMap((region) =>
      [...region.ecs.tasks.values()]
        .filter((task) => task.lastStatus !== "STOPPED")
        .flatMap((task) => viewOfTask(region, task) ?? []),
    );
  }

  taskExited(taskArn: string, exitCode: number): void {
    const region = this.#regionOf(taskArn);
    region?.change(() => exitTask(region, taskArn, exitCode));
  }

  behaviourOf(taskArn: string): Behaviour | undefined {
    const region = this.#regionOf(taskArn);
    const task = region?.ecs.tasks.get(taskArn);
    return region === undefined || task === undefined ? undefined : behaviourOf(region, task);
  }

  setTaskBehaviour(taskArn: string, behaviour: Behaviour): boolean {
    const region = this.#regionOf(taskArn);
    return region?.change(() => setBehaviour(region, taskArn, behaviour)) ?? false;
  }

  #regionOf(arn: string): Region | undefined {
    const [, , , region = "", account = ""] = arn.split(":", 5);
    return this.#regions.get(placeName(account, region));
  }
}

/** What the last action of a route does with a request; authentication before it always succeeds. */
function answerOf(region: Region, route: Route): Answer | undefined {
  const action = route.actions.at(-1);
  const ruleArn = route.arn;
  if (action?.FixedResponseConfig !== undefined) {
    const { StatusCode, ContentType, MessageBody } = action.FixedResponseConfig;
    return {
      kind: "fixed",
      ruleArn,
      status: Number(StatusCode),
      ...(ContentType === undefined ? {} : { contentType: ContentType }),
      ...(MessageBody === undefined ? {} : { body: MessageBody }),
    };
  }
  if (action?.RedirectConfig !== undefined) {
    const { Protocol, Host, Port, Path, Query, StatusCode } = action.RedirectConfig;
    return {
      kind: "redirect",
      ruleArn,
      status: StatusCode === "HTTP_301" ? 301 : 302,
      protocol: Protocol ?? "#{protocol}",
      host: Host ?? "#{host}",
      port: Port ?? "#{port}",
      path: Path ?? "/#{path}",
      query: Query ?? "#{query}",
    };
  }
  const cookie = action?.ForwardConfig?.TargetGroupStickinessConfig;
  return {
    kind: "forward",
    ruleArn,
    groups: forwardedGroups(route.actions).map(({ arn, weight }) => groupOf(region, arn, weight)),
    ...(cookie?.Enabled === true
      ? { groupStickiness: { durationSeconds: cookie.DurationSeconds ?? 1 } }
      : {}),
  };
}

function groupOf(region: Region, arn: string, weight: number): WeightedGroup {
  const attributes = region.elb.groups.get(arn)?.attributes;
  const sticky = attributes?.get("stickiness.enabled") === "true";
  return {
    arn,
    weight,
    targets: targetsOf(region.elb, arn).map(({ address, port, taskArn, health }) => ({
      address,
      port,
      health,
      ...(taskArn === undefined ? {} : { taskArn }),
    })),
    ...(sticky
      ? {
          stickyTarget: {
            durationSeconds: Number(attributes?.get("stickiness.lb_cookie.duration_seconds") ?? 86_400),
          },
        }
      : {}),
  };
}

/** The answer of a target to a health check where no real server stands behind it. */
export function healthByBehaviour({ task }: Probe, now: number): boolean {
  // A target registered by hand, with nothing known against it.
  if (task === undefined) return true;
  const { failHealthChecks, startsHealthyAfterMs = 0 } = task.behaviour;
  if (failHealthChecks === true || task.startedAtMs === undefined) return false;
  return now >= task.startedAtMs + startsHealthyAfterMs;
}
