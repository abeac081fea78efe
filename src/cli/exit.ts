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
  /** Teal can't be reached, or can't keep the request at the moment. */
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

  constructor(exitCode: ExitCode, message: string, options: { fix?: string; body?: ProblemDetails } = {}) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
    this.fix = options.fix;
    this.body = options.body;
  }
}

/** A refusal of the API. */
export function refusal(status: number, body: ProblemDetails): Failure {
  const code =
    status === 409 || status === 403
      ? exitCodes.refused
      : status >= 500
        ? exitCodes.unavailable
        : exitCodes.usage;
  return new Failure(code, body.detail, { fix: body.fix, body });
}
