/**
 * The configuration as it is now: its file is read again while the process runs. What is well-formed takes the place
 * of what was; anything else is told once and changes nothing. The environment's part stays.
 */
import { readFile } from "node:fs/promises";
import type { Problem } from "../errors.ts";
import { type Config, digestOf, withFile } from "./config.ts";
import { codeOf } from "./environment.ts";
import { readConfigText } from "./file.ts";

export interface LiveConfig {
  /** Frozen. Ask again rather than keep it: after a change of the file it is another one. */
  current(): Config;
  state(): ConfigState;
  /** Looks at the file at once, for whoever changed it and says so. Never throws; safe to repeat. */
  reload(): Promise<void>;
  /** Ends the looking. What was read last stays. */
  stop(): void;
}

/** Which content is in force, and whether the file has another one that can't be. */
export interface ConfigState {
  digest: string;
  /** Since when it is in force here, ms since the epoch. */
  since: number;
  failure?: {
    at: number;
    /** Of the refused content; absent where the file can't be read at all. */
    digest?: string;
    problems: Problem[];
  };
}

export interface WatchParts {
  now: () => number;
  log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Calls again and again until the answer is called; a real timer where left out. */
  every?: (ms: number, work: () => Promise<void>) => () => void;
}

/**
 * How often the file is read. Its content is compared, not its time: a ConfigMap's files are links that lead elsewhere
 * after a change, and two changes may share a second.
 */
export const lookMs = 5_000;

export function watchConfig(initial: Config, { now, log, every = realTimer }: WatchParts): LiveConfig {
  const { path, outside } = initial.source;
  let config = initial;
  let since = now();
  let failure: ConfigState["failure"];
  /** What the last look found, where that was neither in force nor refused. */
  let unsettled: string | undefined;
  let looking: Promise<void> = Promise.resolve();

  /** A file may be caught half-written, so a change counts when two looks find the same; `sure`: at once. */
  async function look(sure: boolean): Promise<void> {
    const { text, problem } = await readNow(path);
    const digest = text === undefined ? undefined : digestOf(text);
    const found = digest ?? problem?.message ?? "";
    if (digest === config.source.digest) {
      if (failure) log.info({ path, digest }, "the configuration file is again as it is in force");
      failure = undefined;
      unsettled = undefined;
      return;
    }
    if (!sure && unsettled !== found) {
      unsettled = found;
      return;
    }
    if (failure && found === (failure.digest ?? failure.problems[0]?.message)) return;
    unsettled = undefined;
    const file = text === undefined ? undefined : readConfigText(text, path, outside);
    if (text !== undefined && file?.config) {
      config = withFile(config, text, file.config);
      since = now();
      failure = undefined;
      const { services, strategies, schedules, webhooks } = file.config;
      const counts = [services, strategies, schedules, webhooks].map((table) => Object.keys(table).length);
      log.info(
        {
          path,
          digest,
          services: counts[0],
          strategies: counts[1],
          schedules: counts[2],
          webhooks: counts[3],
        },
        "the changed configuration is in force",
      );
      return;
    }
    const problems = file?.problems ?? (problem ? [problem] : []);
    failure = { at: now(), ...(digest !== undefined && { digest }), problems };
    const [first, ...more] = problems.map(({ path = "", message }) => `${path} ${message}`);
    log.error(
      { path, ...(digest !== undefined && { digest }), inForce: config.source.digest, problems },
      `the changed configuration is refused, the earlier one stays in force: ${first}${more.length > 0 ? `; and ${more.length} more` : ""}`,
    );
  }

  const queued = (sure: boolean): Promise<void> => {
    looking = looking
      .then(() => look(sure))
      .catch((error: unknown) =>
        log.error({ err: error, path }, "the configuration could not be read again"),
      );
    return looking;
  };
  const stop = every(lookMs, () => queued(false));
  return {
    current: () => config,
    state: () => ({ digest: config.source.digest, since, ...(failure && { failure }) }),
    reload: () => queued(true),
    stop,
  };
}

async function readNow(path: string): Promise<{ text?: string; problem?: Problem }> {
  try {
    return { text: await readFile(path, "utf8") };
  } catch (error) {
    return { problem: { code: "bad-config", path, message: `can't be read (${codeOf(error)})` } };
  }
}

function realTimer(ms: number, work: () => Promise<void>): () => void {
  const timer = setInterval(() => void work(), ms);
  timer.unref();
  return () => clearInterval(timer);
}
