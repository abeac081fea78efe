/** GitHub's runner, as far as the action sees it: inputs, files for outputs and state, and tokens of the run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningProcess, startBuilt, startProcess } from "../support/processes.ts";
import { root } from "../tidy/sources.ts";

export interface Run {
  process: RunningProcess;
  /** Settles with its exit code. */
  ended: Promise<number | null>;
  outputs(): Record<string, string>;
  /** What the step keeps for the part after the job. */
  state(): Record<string, string>;
  summary(): string;
}

export interface Runner {
  /** Runs the step with these inputs. */
  step(inputs: Record<string, string>, env?: Record<string, string | undefined>): Run;
  /** Runs the part after the job, with the inputs and what the step kept. */
  post(run: Run, inputs: Record<string, string>): Run;
  close(): void;
}

/** What the runner says of a run (GitHub docs, "Variables"). */
const variables = {
  GITHUB_ACTIONS: "true",
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_REPOSITORY: "acme/checkout",
  GITHUB_RUN_ID: "1658821493",
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_WORKFLOW: "deploy",
  GITHUB_JOB: "deploy",
  GITHUB_ACTION: "__acme_teal",
};

export function createRunner(tokens: Record<string, string> = {}): Runner {
  const folder = mkdtempSync(join(tmpdir(), "teal-action-"));
  let count = 0;

  const start = (part: "main" | "post", inputs: Record<string, string>, more: object): Run => {
    const path = (name: string) => join(folder, `${name}-${count}`);
    count += 1;
    const files = {
      GITHUB_OUTPUT: path("output"),
      GITHUB_STATE: path("state"),
      GITHUB_STEP_SUMMARY: path("summary"),
    };
    for (const file of Object.values(files)) writeFileSync(file, "");
    const given = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    const env = {
      ...variables,
      ...files,
      ...tokens,
      ...Object.fromEntries(given),
      NODE_OPTIONS: undefined,
      ...more,
    };
    // As the runner does it where this Node can; the same code built, where it can't.
    const process = runsTypeScript()
      ? startProcess(globalThis.process.execPath, [join(root, `action/${part}.ts`)], {
          name: `action ${part}`,
          env,
        })
      : startBuilt(`action/${part}.js`, [], { name: `action ${part}`, env });
    return {
      process,
      ended: process.exited.then(({ code }) => code),
      outputs: () => pairs(files.GITHUB_OUTPUT),
      state: () => pairs(files.GITHUB_STATE),
      summary: () => readFileSync(files.GITHUB_STEP_SUMMARY, "utf8"),
    };
  };
  return {
    step: (inputs, env = {}) => start("main", inputs, env),
    post: (run, inputs) => {
      const kept = Object.entries(run.state()).map(([name, value]) => [`STATE_${name}`, value]);
      return start("post", inputs, Object.fromEntries(kept));
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function runsTypeScript(): boolean {
  return "typescript" in process.features && process.features.typescript !== false;
}

/** As the runner reads such a file: `name<<delimiter`, the value, the delimiter. */
function pairs(path: string): Record<string, string> {
  const found = readFileSync(path, "utf8").matchAll(/^(\w+)<<(\S+)\n([^]*?)\n\2\n/gm);
  return Object.fromEntries([...found].map(([, name = "", , value = ""]) => [name, value]));
}
