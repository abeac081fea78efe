/** What the step is given, under `with:`, and what the runner says of itself. */
import { createHash } from "node:crypto";
import type { DeployBody } from "../src/api/contract.ts";
import { Refusal } from "./refusal.ts";
import type { Environment } from "./workflow.ts";

export interface Inputs {
  /** Without a slash at its end. */
  url: string;
  token: string | undefined;
  audience: string;
  patienceMs: number;
  onCancel: "leave" | "rollback";
}

/** What is to be deployed, and how long to wait. */
export interface Order {
  body: DeployBody;
  /** The same for each repetition of this step in this attempt of the run. */
  key: string;
  wait: boolean;
  timeoutMs: number;
}

/** Throws Refusal where they make no sense; what Teal knows better is left to it. */
export function readInputs(env: Environment): Inputs {
  const url = needed(env, "url").replace(/\/+$/, "");
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw wrong("url", "is no address of Teal", "Write it like https://teal.example.com.");
  }
  return {
    url,
    token: input(env, "token"),
    audience: input(env, "audience") ?? url,
    patienceMs: duration(env, "patience", "5m"),
    onCancel: oneOf(env, "on-cancel", ["leave", "rollback"]) ?? "leave",
  };
}

/** Throws Refusal. */
export function readOrder(env: Environment): Order {
  const images = imagesOf(input(env, "images"));
  const taskDefinition = input(env, "task-definition");
  if (!images && taskDefinition === undefined) {
    throw new Refusal("There is nothing to deploy.", {
      fix: "Give images (CONTAINER=IMAGE, one a line), or task-definition.",
    });
  }
  const strategy = input(env, "strategy");
  const whenBusy = oneOf(env, "when-busy", ["queue", "supersede", "reject"]);
  const build = input(env, "build");
  const committedAt = input(env, "committed-at");
  if (build !== undefined && !/^\d{1,15}$/.test(build)) {
    throw wrong("build", "is no whole number", "Write it like ${{ github.run_number }}.");
  }
  const body: DeployBody = {
    service: needed(env, "service"),
    ...(taskDefinition !== undefined && { taskDefinition }),
    ...(images && { images }),
    ...(strategy !== undefined && { strategy }),
    ...(whenBusy && { whenBusy }),
    ...(build !== undefined && { build: Number(build) }),
    ...(committedAt !== undefined && { committedAt }),
    ...(oneOf(env, "force", ["true", "false"]) === "true" && { force: true }),
    reason: (input(env, "reason") ?? reasonOf(env)).slice(0, 500),
  };
  return {
    body,
    key: keyOf(env, body),
    wait: oneOf(env, "wait", ["true", "false"]) !== "false",
    timeoutMs: duration(env, "timeout", "6h"),
  };
}

/** One that is repeated asks for the same deployment; a run that is attempted again asks for another one. */
function keyOf(env: Environment, body: DeployBody): string {
  const place = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_JOB", "GITHUB_ACTION"];
  // The legs of a matrix have the same names: what they ask for tells them apart.
  const parts = [...place.map((name) => env[name] ?? ""), JSON.stringify(body)];
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
  return `github-${env["GITHUB_RUN_ID"] ?? "0"}-${env["GITHUB_RUN_ATTEMPT"] ?? "0"}-${digest}`;
}

/** Leads whoever reads the history to this run. */
function reasonOf(env: Environment): string {
  const run = `${env["GITHUB_SERVER_URL"]}/${env["GITHUB_REPOSITORY"]}/actions/runs/${env["GITHUB_RUN_ID"]}`;
  return `${env["GITHUB_WORKFLOW"] ?? "workflow"}: ${run}`;
}

function imagesOf(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined) return undefined;
  const pairs = text.split(/\s+/).map((pair): [string, string] => {
    const split = pair.indexOf("=");
    if (split > 0 && split < pair.length - 1) return [pair.slice(0, split), pair.slice(split + 1)];
    const fix = "Write it like web=registry.example/web:42, one a line.";
    throw wrong("images", `has ${JSON.stringify(pair)}, which is not CONTAINER=IMAGE`, fix);
  });
  return Object.fromEntries(pairs);
}

/** GitHub gives an input that was left out as an empty text. */
function input(env: Environment, name: string): string | undefined {
  return env[`INPUT_${name.toUpperCase()}`]?.trim() || undefined;
}

function needed(env: Environment, name: string): string {
  const value = input(env, name);
  if (value === undefined) throw wrong(name, "is missing", `Add it to the step under with: ${name}.`);
  return value;
}

function oneOf<T extends string>(env: Environment, name: string, allowed: readonly T[]): T | undefined {
  const value = input(env, name);
  const found = allowed.find((one) => one === value);
  if (value !== undefined && found === undefined) {
    throw wrong(name, `is ${JSON.stringify(value)}`, `Write ${allowed.join(" or ")}.`);
  }
  return found;
}

const unitsMs = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
/** Longer ones would overflow a timer. */
const durationMsMax = 20 * 86_400_000;

function duration(env: Environment, name: string, usual: string): number {
  const value = input(env, name) ?? usual;
  const [, count, unit = ""] = /^(\d{1,5})([smhd])$/.exec(value) ?? [];
  const ms = Number(count) * (unitsMs.get(unit) ?? 0);
  if (!(ms >= 1_000 && ms <= durationMsMax)) {
    throw wrong(name, `is ${JSON.stringify(value)}`, "Write it like 30s, 90m or 6h, at most 20d.");
  }
  return ms;
}

function wrong(name: string, what: string, fix: string): Refusal {
  return new Refusal(`The input ${name} ${what}.`, { fix });
}
