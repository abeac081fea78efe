/** Calls that came to nothing, already understood. */
import type { Fault } from "../deployment/observation.ts";
import { TealError } from "../errors.ts";

export class CallFailed extends Error {
  readonly fault: Fault;
  /** Nobody knows what the other side received, or what it made of it. */
  readonly unsure: boolean;

  constructor(fault: Fault, options: { unsure?: boolean; cause?: unknown } = {}) {
    super(
      `${fault.action}: ${fault.code}: ${fault.message}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "CallFailed";
    this.fault = fault;
    this.unsure = options.unsure ?? false;
  }
}

/** What hears of calls; a structural part of pino's logger. Neither requests nor answers are ever given to it. */
export interface CallLog {
  debug(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Understands whatever was thrown. What isn't meant for people is logged alone: it may hold secrets. */
export function callFailed(error: unknown, action: string, log?: CallLog): CallFailed {
  if (error instanceof CallFailed) return error;
  const told = error instanceof TealError;
  if (!told) log?.error({ err: error, action }, "a call failed inside Teal");
  const message = told ? error.message : "something failed inside Teal; its logs say more";
  const fault: Fault = { class: "repeat", code: told ? error.code : "Internal", message, action };
  return new CallFailed(fault, { cause: error });
}

/** What others say, fit to be shown: on one line, nothing unprintable, at most `max` characters. */
export function shown(text: string, max = 500): string {
  const printable = text.slice(0, 4 * max).replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
  const characters = Array.from(printable.trim());
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : characters.join("");
}
