import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Processes of their own, for tests that kill, freeze and restart real parts.
 *
 * Whatever a test starts is ended with it: `reap.ts` runs after each test and each file, and an exit hook
 * catches the rest. A process started before the first test of a file (in `beforeAll`) lives until the file ends.
 */

export interface StartOptions {
  /** Shown in every error, e.g. `worker 2`. */
  readonly name?: string;
  /** Added to this process's own environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process is gone; never rejects. */
  readonly exited: Promise<Exit>;
  /** What it wrote so far on both streams, the oldest lines dropped beyond 256 KiB. */
  output(): string;
  /** How much it wrote so far, nothing dropped. */
  bytes(): number;
  /** Resolves to the first line that matches, past ones included; rejects with its output when it ends or time is up. */
  waitForLine(pattern: RegExp, withinMs?: number): Promise<string>;
  /** Resolves when a GET answers 2xx; rejects with its output when it ends or time is up. */
  waitForHttp(url: string, withinMs?: number): Promise<void>;
  /** Sends a signal; does nothing once it is gone. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and wait until it is gone. Safe to repeat. */
  kill(): Promise<Exit>;
  /** SIGSTOP: frozen, its sockets open. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** SIGTERM, and SIGKILL when that takes longer than `withinMs`. Safe to repeat. */
  stop(withinMs?: number): Promise<Exit>;
}

const outputBytesMax = 256 * 1024;
const pollMs = 20;

const running = new Set<RunningProcess>();
process.on("exit", () => {
  for (const child of running) child.signal("SIGKILL");
});

/** Starts a built program of this project with the same Node, e.g. `startBuilt('workers/main.js', [], { env })`. */
export function startBuilt(
  path: string,
  args: readonly string[] = [],
  options: StartOptions = {},
): RunningProcess {
  // This file runs as source in a test, and built in a program such as the crash matrix.
  const built = import.meta.url.endsWith(".js") ? "../../" : "../../dist/";
  const program = new URL(`${built}${path}`, import.meta.url).pathname;
  return startProcess(process.execPath, ["--enable-source-maps", program, ...args], {
    name: path,
    ...options,
  });
}

/** Starts any program found on PATH. A program that can't be started at all shows as an exit with code 127. */
export function startProcess(
  command: string,
  args: readonly string[] = [],
  options: StartOptions = {},
): RunningProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const handle = follow(child, options.name ?? command);
  running.add(handle);
  void handle.exited.then(() => running.delete(handle));
  return handle;
}

/** What runs now, so that `reapProcesses` can leave alone what was there before. */
export function runningProcesses(): ReadonlySet<RunningProcess> {
  return new Set(running);
}

/** Kills every process started here, except those given. */
export async function reapProcesses(except: ReadonlySet<RunningProcess> = new Set()): Promise<void> {
  await Promise.all([...running].filter((child) => !except.has(child)).map((child) => child.kill()));
}

function follow(child: ChildProcess, name: string): RunningProcess {
  let text = "";
  let bytes = 0;
  let exit: Exit | undefined;
  const append = (chunk: Buffer | string) => {
    text += chunk.toString();
    bytes += chunk.length;
    if (text.length > outputBytesMax) text = text.slice(text.indexOf("\n", text.length - outputBytesMax) + 1);
  };
  child.stdout?.on("data", append);
  child.stderr?.on("data", append);

  const exited = new Promise<Exit>((resolve) => {
    const end = (how: Exit) => {
      exit = how;
      resolve(how);
    };
    child.once("error", (error) => {
      append(`${error.message}\n`);
      if (child.pid === undefined) end({ code: 127, signal: null });
    });
    // 'close' and not 'exit': by then all its output has been read.
    child.once("close", (code, signal) => end({ code, signal }));
  });

  const signal = (what: NodeJS.Signals) => {
    if (exit === undefined && child.pid !== undefined) child.kill(what);
  };

  async function until<T>(
    what: string,
    withinMs: number,
    look: () => Promise<T | undefined> | T | undefined,
  ) {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (exit !== undefined) {
        throw new Error(
          `${name} ended (code ${exit.code}, signal ${exit.signal}) before ${what}. It said:\n${text}`,
        );
      }
      if (performance.now() > deadline) {
        throw new Error(`${name}: no sign of ${what} within ${withinMs} ms. It said:\n${text}`);
      }
      await sleep(pollMs);
    }
  }

  return {
    name,
    pid: child.pid ?? -1,
    exited,
    output: () => text,
    bytes: () => bytes,
    waitForLine: (pattern, withinMs = 15_000) =>
      until(`a line like ${pattern}`, withinMs, () =>
        text.split("\n").find((line) => line.search(pattern) >= 0),
      ),
    waitForHttp: async (url, withinMs = 15_000) => {
      await until(`an answer from ${url}`, withinMs, async () => {
        try {
          const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
          await answer.body?.cancel();
          return answer.ok || undefined;
        } catch {
          return undefined;
        }
      });
    },
    signal,
    kill: async () => {
      signal("SIGKILL");
      return exited;
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    stop: async (withinMs = 10_000) => {
      signal("SIGTERM");
      // A frozen process would only get the signal when it is thawed.
      signal("SIGCONT");
      const force = setTimeout(() => signal("SIGKILL"), withinMs);
      try {
        return await exited;
      } finally {
        clearTimeout(force);
      }
    },
  };
}
