import type { Behaviour } from "./behaviour.ts";

/**
 * How this AWS behaves. The defaults are near to what AWS does; a demo or a
 * test makes it faster. All of them may be changed while it runs and apply to
 * what begins afterwards.
 */
export interface Settings {
  /** From PENDING to RUNNING, where the task's behaviour doesn't say. Fargate: 20 s to a minute. */
  taskStartMs: number;
  /** From SIGTERM to STOPPED, where the task's behaviour doesn't say. */
  taskStopMs: number;
  /** Until the scheduler acts on a changed count or a lost task. */
  schedulerDelayMs: number;
  /** How long a set has to meet all conditions before it reads STEADY_STATE. */
  steadyDelayMs: number;
  /** From a task's own exit until its target begins to drain; requests fail meanwhile. */
  exitNoticeMs: number;
  /** Pause before the next start once three tasks of a set in a row failed; doubles up to 15 minutes. */
  startBackoffMs: number;
  /** STOPPED tasks can be described for this long. AWS: at least an hour. */
  stoppedTaskRetentionMs: number;
  /** In place of every target group's HealthCheckIntervalSeconds, which can't go below 5 s. */
  healthCheckIntervalMs: number | undefined;
  /** In place of every target group's `deregistration_delay.timeout_seconds`. */
  deregistrationDelayMs: number | undefined;
  /** From an accepted change of a listener or rule until the traffic follows it. */
  propagationMs: number;
  /** DescribeServices, DescribeTaskSets, ListTasks and DescribeTasks show how it was this long ago. */
  ecsReadLagMs: number;
  /** The same for ELBv2's Describe calls. */
  elbReadLagMs: number;
  /** From the end of a minute until what load balancers counted in it can be read. AWS: one to three minutes. */
  metricDelayMs: number;
  /** Up to so much more, for each metric and minute by chance. */
  metricDelaySpreadMs: number;
  /** For how long a `clientToken` is remembered after its CreateTaskSet. Unsure: AWS publishes no lifetime. */
  clientTokenMs: number;
  /** Task sets a service may have, DRAINING ones included. */
  taskSetsPerService: number;
  /** Unsure: AWS is reported to refuse DescribeTaskSets without ids; `true` lists all sets instead. */
  describeTaskSetsWithoutIds: boolean;
  /** Unsure: whether a task set may have more than one target group. */
  severalGroupsPerTaskSet: boolean;
  /** Unsure: whether one passed check makes an `initial` target healthy, or only the full threshold does. */
  firstHealthCheckSuffices: boolean;
  /** Unsure: whether a group stickiness cookie still leads to a group at weight 0. For the balancer. */
  cookieHonouredAtWeightZero: boolean;
  /** By image, as named in the container definition. */
  behaviours: Record<string, Behaviour>;
}

export const defaultSettings: Settings = {
  taskStartMs: 20_000,
  taskStopMs: 1_000,
  schedulerDelayMs: 1_000,
  steadyDelayMs: 5_000,
  exitNoticeMs: 1_000,
  startBackoffMs: 10_000,
  stoppedTaskRetentionMs: 3_600_000,
  healthCheckIntervalMs: undefined,
  deregistrationDelayMs: undefined,
  propagationMs: 2_000,
  ecsReadLagMs: 0,
  elbReadLagMs: 0,
  metricDelayMs: 60_000,
  metricDelaySpreadMs: 60_000,
  clientTokenMs: 86_400_000,
  taskSetsPerService: 5,
  describeTaskSetsWithoutIds: false,
  severalGroupsPerTaskSet: true,
  firstHealthCheckSuffices: true,
  cookieHonouredAtWeightZero: false,
  behaviours: {},
};
