/**
 * GitHub's deliveries. Only the body is signed: neither the event's name nor the delivery's id in the headers is. So
 * the event must be the one that the body shows, and a delivery is known again by its body.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { verifyGithub } from "../../auth/signature.ts";
import type { Secret } from "../../config/secret.ts";
import { repositoryPattern } from "../../config/github.ts";
import { valueAt } from "../../config/template.ts";
import { type GithubEvent, githubEvents } from "../../config/webhooks.ts";
import type { Source } from "../../deployment/record.ts";
import { TealError } from "../../errors.ts";
import type { Received } from "./delivery.ts";
import { isMapping, parsed, type Request } from "./raw.ts";

/** GitHub sends within seconds and never again by itself; a person may have it sent again. */
const freshMs = 60 * 60_000;

/** What the body of each event has and hasn't, told from other events that have the same; and its times. */
const shapes: Record<GithubEvent, { lacks: string[]; times: string[] }> = {
  deployment: {
    lacks: ["deployment_status", "check_run", "workflow_job", "deployment_callback_url"],
    times: ["deployment.updated_at", "deployment.created_at"],
  },
  workflow_run: {
    lacks: ["deployment", "workflow_job", "workflow_job_run", "workflow_job_runs", "reviewers"],
    times: ["workflow_run.updated_at", "workflow_run.created_at"],
  },
  release: { lacks: [], times: ["release.updated_at", "release.published_at"] },
  registry_package: {
    lacks: [],
    times: [
      "registry_package.updated_at",
      "registry_package.package_version.updated_at",
      "registry_package.created_at",
      "registry_package.package_version.created_at",
    ],
  },
};

/** A delivery, or why it needs no more than an answer. Throws `unauthorized`, `bad-request`. */
export function readGithub(keys: readonly Secret[], { header, body }: Request): Received | { why: string } {
  verifyGithub(keys, header("x-hub-signature-256"), body);
  const name = header("x-github-event");
  if (name === undefined) throw new TealError("bad-request", "The request has no header X-GitHub-Event.");
  if (name === "ping") return { why: "a ping: the webhook is set up" };
  const event = githubEvents.find((known) => known === name);
  if (!event) return { why: `Teal takes ${githubEvents.join(", ")}, and no ${name.slice(0, 64)}` };
  const { payload, body: text } = readBody(body);
  requireShape(event, payload);
  if (event === "deployment" && isOwn(payload))
    return { why: "Teal made this deployment itself, to tell GitHub of one" };
  const sentAs = header("x-github-delivery")?.slice(0, 64);
  return {
    source: "github",
    event,
    identity: createHash("sha256").update(body).digest("hex"),
    ...(sentAs !== undefined && { sentAs }),
    sentAt: timeOf(event, payload),
    freshMs,
    body: text,
    payload,
  };
}

/** Teal tells GitHub of its deployments by making GitHub's, which must start no further ones. */
function isOwn(payload: Record<string, unknown>): boolean {
  const written = valueAt(payload, "deployment.payload");
  const own = typeof written === "string" ? jsonOr(written) : written;
  return isMapping(own) && Object.hasOwn(own, "teal");
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What GitHub's own deployment says of the code; statuses are told of it. */
export function sourceOf(payload: unknown): Source | undefined {
  const { data } = ofDeployment.safeParse(payload);
  if (!data) return undefined;
  const { repository, deployment } = data;
  return {
    repository: repository.full_name,
    commit: deployment.sha,
    environment: deployment.environment,
    deployment: deployment.id,
  };
}

const ofDeployment = z.object({
  repository: z.object({ full_name: z.string().regex(repositoryPattern) }),
  deployment: z.object({
    id: z.int(),
    sha: z.string().regex(/^[0-9a-f]{40,64}$/),
    environment: z.string().min(1).max(255),
  }),
});

function readBody(body: Buffer): ReturnType<typeof parsed> {
  if (body.subarray(0, 8).toString("latin1") === "payload=") {
    throw new TealError(
      "bad-request",
      "The body is a form. Set the webhook's content type on GitHub to application/json.",
    );
  }
  return parsed(body);
}

function requireShape(event: GithubEvent, payload: Record<string, unknown>): void {
  const other = shapes[event].lacks.find((key) => isMapping(payload[key]) || Array.isArray(payload[key]));
  if (isMapping(payload[event]) && other === undefined) return;
  const what = other === undefined ? `no ${event}` : other;
  throw new TealError("bad-request", `X-GitHub-Event says ${event}, but the body has ${what}.`);
}

/** The newest of its times: an event can't be younger than that. */
function timeOf(event: GithubEvent, payload: Record<string, unknown>): number {
  const times = shapes[event].times.map((path) => {
    const written = valueAt(payload, path);
    return typeof written === "string" ? Date.parse(written) : Number.NaN;
  });
  const known = times.filter((time) => !Number.isNaN(time));
  if (known.length === 0)
    throw new TealError("bad-request", `The body has no ${shapes[event].times[0]}, so its age is unknown.`);
  return Math.max(...known);
}
