import type { Behaviour } from "./behaviour.ts";

/*
 * The face that the model shows to whatever carries requests: a balancer that
 * listens on ports and tasks that are real servers. It knows nothing of AWS's
 * API; the API knows nothing of sockets.
 */

/** A registered target and what the load balancer thinks of it now. */
export interface Target {
  /** The task's private address in the model's own network, like `10.0.1.7`. */
  address: string;
  port: number;
  /** The task behind it; a target that a user registered by hand has none. */
  taskArn?: string;
  health: "initial" | "healthy" | "unhealthy" | "draining" | "unused";
}

export interface WeightedGroup {
  arn: string;
  /** 0 to 999; the share is weight / sum of weights. */
  weight: number;
  /** All targets of the group, draining ones too. */
  targets: Target[];
  /** Set when the group itself keeps a client on one target (`stickiness.enabled`). */
  stickyTarget?: { durationSeconds: number };
}

/** What a request meets at a listener. */
export type Answer =
  | {
      kind: "forward";
      /** The listener or rule that decided it. */
      ruleArn: string;
      groups: WeightedGroup[];
      groupStickiness?: { durationSeconds: number };
    }
  | { kind: "fixed"; ruleArn: string; status: number; contentType?: string; body?: string }
  | {
      kind: "redirect";
      ruleArn: string;
      status: 301 | 302;
      /** As configured, with #{protocol}, #{host}, #{port}, #{path} and #{query} still in it. */
      protocol: string;
      host: string;
      port: string;
      path: string;
      query: string;
    };

export interface ListenerView {
  arn: string;
  loadBalancerArn: string;
  port: number;
  /** HTTP, HTTPS, TCP, TLS, … */
  protocol: string;
}

export interface TaskView {
  arn: string;
  region: string;
  clusterArn: string;
  serviceName: string;
  taskSetId: string;
  taskSetArn: string;
  taskDefinitionArn: string;
  /** Unique among the tasks that live at one time. */
  address: string;
  /** The container ports of all containers. */
  ports: number[];
  /** The essential container's image. */
  image: string;
  /** The essential container's environment. */
  environment: Record<string, string>;
  /** Its own where one was given, else its image's. */
  behaviour: Behaviour;
  /** When it became RUNNING, ms since the epoch. */
  startedAtMs?: number;
}

/**
 * `starting`: PENDING, a server may be prepared. `running`: from now on it may
 * be registered, probed and sent requests. `stopping`: SIGTERM; it has left
 * its target group. `stopped`: gone, by exit or after its stop; destroy it.
 * `stopped` may follow any of the others.
 */
export interface TaskEvent {
  kind: "starting" | "running" | "stopping" | "stopped";
  task: TaskView;
}

export interface RequestHead {
  method: string;
  /** Without the query. */
  path: string;
  /** The raw query without `?`. */
  query?: string;
  host?: string;
  /** By lower-case name. */
  headers: Record<string, string | undefined>;
  /** The client's address, for source-ip conditions. */
  sourceIp?: string;
}

/** What a health check asks; `path`, `port` and `matcher` come from the target group. */
export interface Probe {
  targetGroupArn: string;
  address: string;
  port: number;
  path: string;
  /** HTTP codes that count as healthy, like `200-299,301`. */
  matcher: string;
  timeoutMs: number;
  /** Undefined for a target registered by hand. */
  task: TaskView | undefined;
}

/** Asks one target once; a rejected promise counts as unhealthy. */
export type Prober = (probe: Probe) => boolean | Promise<boolean>;

export interface Traffic {
  listeners(): ListenerView[];
  /** Called after listeners were added or removed; the answer unsubscribes. */
  onListenersChanged(fn: () => void): () => void;
  /**
   * What a request meets now: the rules in force (after propagation), by
   * priority. Undefined when there is no such listener. Cheap: called for
   * every request.
   */
  answerFor(listenerArn: string, request: RequestHead): Answer | undefined;
  /** Tasks alive now, so that a late subscriber can catch up. */
  tasks(): TaskView[];
  onTask(fn: (event: TaskEvent) => void): () => void;
  /** Puts a real probe in place of the model's own answer from the behaviour. */
  useProber(prober: Prober): void;
  /** The essential container of a running task has exited by itself. Ignored when it is not running. */
  taskExited(taskArn: string, exitCode: number): void;
  /**
   * How a task acts now: its own behaviour, else its environment's, else its image's. Undefined when there is no
   * such task. Cheap: called for every request.
   */
  behaviourOf(taskArn: string): Behaviour | undefined;
  /** Changes how one task acts from now on; false when there is no such task. */
  setTaskBehaviour(taskArn: string, behaviour: Behaviour): boolean;
  /** In force now, of a listener's default action (its ARN) or a rule: share 0 to 1 by target group ARN. */
  effectiveShares(listenerOrRuleArn: string): Record<string, number>;
}
