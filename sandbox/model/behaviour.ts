/**
 * How a task acts. An image has a behaviour, and a single running task may be
 * given another one. All that is left out is as in `ordinary`.
 */
export interface Behaviour {
  /** From PENDING to RUNNING; undefined: the setting `taskStartMs`. */
  startMs?: number;
  /** From RUNNING until it answers requests and health checks well. */
  startsHealthyAfterMs?: number;
  /** Answers health checks badly for as long as this is set. */
  failHealthChecks?: boolean;
  /** The essential container exits by itself this long after RUNNING. */
  exitAfterMs?: number;
  /** With `exitAfterMs`; 1 where left out. */
  exitCode?: number;
  /** The image can't be pulled: the task never runs. */
  cannotPull?: boolean;
  /** Stays PENDING for ever. */
  neverStarts?: boolean;
  /** Added to the time of every answer. */
  slowMs?: number;
  /** Share of requests, 0 to 1, answered with 500. This share and the two below leave health checks alone. */
  failShare?: number;
  /** Share of requests whose answer takes `tailMs` more. */
  tailShare?: number;
  tailMs?: number;
  /** Share of requests that are never answered. */
  hangShare?: number;
  /** From SIGTERM to STOPPED; undefined: the setting `taskStopMs`. */
  stopMs?: number;
}
