import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realClock } from "../../sandbox/clock.ts";
import { startAws } from "../../sandbox/start.ts";
import type { WireServer } from "../../sandbox/wire/http.ts";
import { quick, region } from "./support.ts";

/*
 * The AWS CLI runs the blocks of docs/sandbox.md that are marked there, so
 * that the page holds and the sandbox is judged by a client that isn't ours.
 */

const run = promisify(execFile);
const installMs = 180_000;
const scriptMs = 240_000;

const local = startAws({
  clock: realClock(),
  settings: {
    ...quick,
    taskStartMs: 300,
    deregistrationDelayMs: 500,
    steadyDelayMs: 200,
    propagationMs: 200,
  },
});
let server: WireServer;
let scratch: string;
let cli: { bin: string } | { missing: string };

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "teal-aws-cli-"));
  server = await local.listen();
  cli = await findCli(scratch);
}, installMs);

afterAll(async () => {
  await local.close();
  await rm(scratch, { recursive: true, force: true });
});

test(
  "the AWS CLI carries out the page's blue/green and meets its refusals",
  async (context) => {
    if ("missing" in cli) {
      if (process.env["TEAL_REQUIRE_AWS_CLI"] === "1") throw new Error(cli.missing);
      return context.skip(cli.missing);
    }
    const script = scriptOf(await readFile(new URL("../../docs/sandbox.md", import.meta.url), "utf8"));
    expect(script.blocks).toBeGreaterThan(10);
    const file = join(scratch, "page.sh");
    await writeFile(file, script.text);
    const { stdout } = await run("bash", [file], {
      timeout: scriptMs,
      env: {
        PATH: `${cli.bin}${process.env["PATH"] ?? ""}`,
        HOME: scratch,
        AWS_ENDPOINT_URL: server.url,
        AWS_DEFAULT_REGION: region,
        AWS_ACCESS_KEY_ID: "dummy",
        AWS_SECRET_ACCESS_KEY: "dummy",
        AWS_PAGER: "",
        // What is refused must not be asked again.
        AWS_MAX_ATTEMPTS: "1",
      },
    });
    expect(stdout).toContain("000000000000");
    expect(stdout.trimEnd().endsWith("page done")).toBe(true);
    const outcomes = local.calls.byOutcome();
    expect(outcomes["ecs:CreateTaskSet ok"]).toBe(3);
    expect(outcomes["ecs:DeleteTaskSet TaskSetNotFoundException"]).toBe(1);
    expect(outcomes["monitoring:GetMetricData ok"]).toBe(1);
    const [listener] = local.aws.traffic.listeners();
    expect(Object.values(local.aws.traffic.effectiveShares(listener?.arn ?? ""))).toEqual([0, 1]);
    const left = local.aws.snapshot()[region]?.taskSets;
    expect(left).toMatchObject([{ status: "PRIMARY", stability: "STEADY_STATE" }]);
    return undefined;
  },
  scriptMs,
);

/** An `aws` that runs: the one on the PATH, else one installed into a virtualenv of the test's own. */
async function findCli(directory: string): Promise<typeof cli> {
  try {
    await run("aws", ["--version"]);
    return { bin: "" };
  } catch {
    // Not there; try to install it.
  }
  try {
    await run("python3", ["-m", "venv", join(directory, "venv")], { timeout: installMs });
    const bin = join(directory, "venv", "bin");
    await run(join(bin, "pip"), ["install", "--quiet", "awscli"], { timeout: installMs });
    return { bin: `${bin}:` };
  } catch (cause) {
    return {
      missing: `There is no AWS CLI, and installing one with python3 and pip failed (${String(cause).slice(0, 200)}). Install it, or leave TEAL_REQUIRE_AWS_CLI unset to skip this test.`,
    };
  }
}

/** The marked blocks as one script: `run` must succeed, `refused: X` must fail and say X. */
function scriptOf(page: string): { text: string; blocks: number } {
  const marked = [...page.matchAll(/<!-- (run|refused: (.+?)) -->\n+```sh\n([\s\S]*?)```/g)];
  const parts = marked.map(([, , refusal, block = ""]) =>
    refusal === undefined
      ? block
      : `if said=$({ ${block}} 2>&1); then echo "not refused: ${refusal}" >&2; exit 1; fi
case "$said" in *${JSON.stringify(refusal)}*) ;; *) echo "refused otherwise: $said" >&2; exit 1;; esac\n`,
  );
  if (marked.length !== page.match(/<!-- (run|refused)/g)?.length)
    throw new Error("a mark of the page has no block");
  return { text: `set -eu\n${parts.join("\n")}\necho page done\n`, blocks: marked.length };
}
