/** How a command ends: exit codes that CI can rely on, and failures that read well. */
import type { ProblemDetails } from "../api/contract.ts";

export const exitCodes = {
  /** Done; for `deploy`: green is PRIMARY. */
  success: 0,
  /** The deployment failed, was called off, or went back. */
  failed: 1,
  /** The command line or the request is wrong. */
  usage: 2,
  /** Understood and refused: the right is missing, the service is busy, the command does not fit, or a plan comes to no good end. */
  refused: 3,
  /** Teal can't be reached, can't keep the request at the moment, or is asked too often. */
  unavailable: 4,
  /** It went on for longer than was to be waited. */
  timeout: 5,
  /** Interrupted by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end that is no success, told in the words of whoever reads it. */
export class Failure extends Error {
  readonly exitCode: ExitCode;
  readonly fix: string | undefined;
  readonly body: ProblemDetails | undefined;
  /** Asked again before that, it fails again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    exitCode: ExitCode,
    message: string,
    options: { fix?: string; body?: ProblemDetails; retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
    this.fix = options.fix;
    this.body = options.body;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A refusal of the API. */
export function refusal(body: ProblemDetails, retryAfterMs: number): Failure {
  return new Failure(exitCodeOf(body.status), body.detail, { fix: body.fix, body, retryAfterMs });
}

function exitCodeOf(status: number): ExitCode {
  if (status === 409 || status === 403) return exitCodes.refused;
  return status >= 500 || status === 429 ? exitCodes.unavailable : exitCodes.usage;
}
