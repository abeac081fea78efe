/**
 * Logs: one line of JSON each, no secrets, no floods. Names of fields are the same everywhere: `deploymentId` and
 * `service` in all lines of a deployment, `requestId` in those of a request, `err` for an error.
 */
import { destination, type Logger, pino, stdSerializers } from "pino";

export type { Logger } from "pino";

export interface LoggerOptions {
  /** Which process writes: `api`, `worker`. */
  name: string;
  level?: string;
  /** Where lines go; standard output where left out. */
  write?: (line: string) => void;
}

const censored = "[secret]";

/** Fields that are secrets wherever they are, up to three levels deep. */
const secretFields = ["authorization", "token", "secret", "password", "signature", "cookie"];

export function createLogger({ name, level = "info", write }: LoggerOptions): Logger {
  const paths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  return pino(
    {
      name,
      level,
      redact: { paths: [...paths, '*["x-teal-signature"]', '*.*["x-teal-signature"]'], censor: censored },
      serializers: { err: (error: Error) => withoutPasswords(stdSerializers.err(error)) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      base: { pid: process.pid },
    },
    write ? { write } : destination({ dest: 1, sync: true }),
  );
}

/** Removes the user and password of every URL in a text. */
export function withoutUrlPassword(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, `$1${censored}@`);
}

function withoutPasswords(error: object): object {
  const safe = Object.entries(error).map(([key, value]) => [
    key,
    typeof value === "string" ? withoutUrlPassword(value) : value,
  ]);
  return Object.fromEntries(safe);
}

/** The part of a logger that reports trouble. */
export interface TroubleLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const messagesMax = 1_000;

/**
 * Lets the same message through once in `everyMs` and counts the others: an outage that fails a thousand times a
 * second must not fill a disk. `now` is in milliseconds.
 */
export function limitRate(log: TroubleLog, everyMs: number, now: () => number): TroubleLog {
  const last = new Map<string, { at: number; dropped: number }>();
  const limited = (level: "warn" | "error") => (extra: object, message: string) => {
    const known = last.get(message);
    const at = now();
    if (known && at - known.at < everyMs) {
      known.dropped += 1;
      return;
    }
    if (last.size >= messagesMax) last.clear();
    last.set(message, { at, dropped: 0 });
    log[level](known && known.dropped > 0 ? { ...extra, alsoDropped: known.dropped } : extra, message);
  };
  return { warn: limited("warn"), error: limited("error") };
}
