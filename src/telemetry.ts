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

/** Fields that are secrets wherever they are: of headers, options, errors. */
const secretName =
  /^(proxy-)?authorization$|cookie$|secrets?$|passw|(^|[-_.])token$|^\w+Token$|signature|^teal-key$|(^|[-_])api-?key$/i;

/** What is deeper, or more, is left out: an error may carry the socket that it came from. */
const most = { depth: 4, entries: 100 };

export function createLogger({ name, level = "info", write }: LoggerOptions): Logger {
  return pino(
    {
      name,
      level,
      serializers: {
        err: (error: Error) => withoutSecrets(stdSerializers.err(error)),
        // Never a header.
        req: ({ method, url = "", ip }: { method?: string; url?: string; ip?: string }) => {
          return { method, url: withoutSecretText(url), remoteAddress: ip };
        },
      },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        bindings: (fields) => inLine(fields),
        log: (fields) => inLine(fields),
      },
      base: { pid: process.pid },
    },
    write ? { write } : destination({ dest: 1, sync: true }),
  );
}

/** Removes the user and password of every URL in a text. */
export function withoutUrlPassword(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, `$1${censored}@`);
}

/** Credentials that a text may quote: of URLs, of headers, tokens of Teal's own and of issuers. */
function withoutSecretText(text: string): string {
  return withoutUrlPassword(text)
    .replaceAll(/\b(bearer|basic) +[\w.~+/=-]+/gi, `$1 ${censored}`)
    .replaceAll(/\bteal_[0-9a-f]{16}_[\w-]+/g, censored)
    .replaceAll(/\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, censored)
    .replaceAll(/([?&][\w-]*(?:token|secret|password|signature|key)=)[^&\s]+/gi, `$1${censored}`);
}

/** The fields of a line, but for those that a serializer looks through. */
function inLine(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (secretName.test(key)) return [key, censored];
      return [key, serialized.has(key) ? value : withoutSecrets(value)];
    }),
  );
}

const serialized: ReadonlySet<string> = new Set(["err", "req", "res"]);

/** The same without what is secret by its name or its looks. */
function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return withoutSecretText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > most.depth || ArrayBuffer.isView(value)) return "[left out]";
  if (Array.isArray(value))
    return value.slice(0, most.entries).map((part) => withoutSecrets(part, depth + 1));
  const parts = Object.entries(value).slice(0, most.entries);
  return Object.fromEntries(
    parts.map(([key, part]) => [key, secretName.test(key) ? censored : withoutSecrets(part, depth + 1)]),
  );
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
