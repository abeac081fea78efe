/** GitHub's REST API, as far as deployments and their statuses go (GitHub docs, "REST API endpoints for deployments"). */
import { z } from "zod";
import type { Github, GithubDeployment } from "../engine/ports.ts";
import { TealError } from "../errors.ts";
import { CallFailed, shown } from "./fault.ts";
import type { Hidden } from "./headers.ts";
import { type Answer, createSend, expectOk, type OutboundOptions, readUrl } from "./http.ts";

export interface GithubOptions extends OutboundOptions {
  token: Hidden;
  /** `https://api.github.com`; asked for each call. */
  api: () => string;
}

const answerBytesMax = 1024 * 1024;

const deployment = z.object({ id: z.int(), payload: z.unknown() });
const complaint = z.object({ message: z.string() });

export function createGithub({ token, api, ...options }: GithubOptions): Github {
  const authorization = { reveal: () => `Bearer ${token.reveal()}` };
  const send = createSend({ ...options, secrets: { AUTHORIZATION: authorization } });

  async function call<T>(
    action: string,
    schema: z.ZodType<T>,
    path: string,
    deadline: number,
    body?: unknown,
  ): Promise<T> {
    try {
      const answer = await send({
        action,
        method: body === undefined ? "GET" : "POST",
        url: readUrl(api() + path, action),
        headers: {
          authorization: { secret: "AUTHORIZATION" },
          accept: { text: "application/vnd.github+json" },
          "x-github-api-version": { text: "2022-11-28" },
        },
        ...(body !== undefined && {
          ownHeaders: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
        bytesMax: answerBytesMax,
        deadline,
      });
      expectOk(answer, action, complaintIn(answer));
      const { data } = schema.safeParse(JSON.parse(answer.text));
      if (data !== undefined) return data;
      throw new TealError("unavailable", `${answer.origin} does not answer as GitHub does`);
    } catch (cause) {
      if (cause instanceof TealError) throw cause;
      if (cause instanceof CallFailed) throw new TealError("unavailable", cause.fault.message, { cause });
      if (cause instanceof SyntaxError) throw new TealError("unavailable", "GitHub's answer is no JSON");
      throw cause;
    }
  }

  return {
    find: async ({ repository, ref, environment }, id, deadline) => {
      // One that GitHub made for a workflow has the branch for its ref.
      const by = /^[0-9a-f]{40,64}$/.test(ref) ? "sha" : "ref";
      const query = new URLSearchParams({ [by]: ref, environment, per_page: "20" });
      const path = `/repos/${repository}/deployments?${query.toString()}`;
      const found = await call("github:list", z.array(deployment), path, deadline);
      // Newest first. One that Teal made for another deployment of the same commit is not this one's.
      return found.find((one) => [id, undefined].includes(tealId(one.payload)))?.id;
    },
    make: async ({ repository, ref, environment }, id, description, deadline) => {
      const body = {
        ref,
        environment,
        description,
        payload: { teal: id },
        // What may be deployed is not for GitHub to say here, and nothing is merged.
        auto_merge: false,
        required_contexts: [],
      };
      const made = await call("github:make", deployment, `/repos/${repository}/deployments`, deadline, body);
      return made.id;
    },
    tell: async ({ repository }: GithubDeployment, number, { state, description, url }, deadline) => {
      const path = `/repos/${repository}/deployments/${number}/statuses`;
      const body = { state, description, ...(url !== undefined && { log_url: url }) };
      await call("github:tell", z.object({ id: z.int() }), path, deadline, body);
    },
  };
}

/** The deployment of Teal's that one of GitHub's was made for. A payload may come as the text that it was sent as. */
function tealId(payload: unknown): string | undefined {
  const parsed = typeof payload === "string" ? parsedOr(payload) : payload;
  return z.object({ teal: z.string() }).safeParse(parsed).data?.teal;
}

function complaintIn({ text }: Answer): string {
  return shown(complaint.safeParse(parsedOr(text)).data?.message ?? "");
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
