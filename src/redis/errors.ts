/** What Redis or the connection to it says, translated into the project's errors. */
import { TealError } from "../errors.ts";

const retryAfterMs = 1_000;

/**
 * Replies that pass without anybody changing the request: a replica after a failover, memory full, a snapshot
 * being loaded or failing to be written, a cluster or a replica set that is incomplete, a script that blocks.
 */
const passing =
  /\b(READONLY|OOM|LOADING|MISCONF|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|BUSY|UNBLOCKED)\b/;

/**
 * Runs one exchange with Redis; what fails becomes `unavailable`, or `internal` where Redis refused the command
 * itself.
 */
export async function asking<T>(what: string, exchange: () => Promise<T>): Promise<T> {
  try {
    return await exchange();
  } catch (error) {
    throw translate(what, error);
  }
}

function translate(what: string, error: unknown): TealError {
  if (error instanceof TealError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const refused = error instanceof Error && error.name === "ReplyError" && !passing.test(message);
  return refused
    ? new TealError("internal", `Redis refused to ${what}: ${message}`, { cause: error })
    : new TealError("unavailable", `Redis could not ${what}: ${message}`, { retryAfterMs, cause: error });
}
