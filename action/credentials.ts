/** Who the job is: by a token of Teal's, or by one that GitHub gives out for this run alone. */
import { patiently } from "../src/client/patience.ts";
import { Refusal } from "./refusal.ts";
import type { Environment, Workflow } from "./workflow.ts";

/** Gives the header `Authorization` for a request that is about to be sent. Throws Refusal. */
export type Credentials = (signal: AbortSignal) => Promise<string>;

/** GitHub's are good for some minutes, and a deployment may take hours: each is renewed so long before its end. */
const aheadMs = 60_000;
const requestMsMax = 10_000;
const patienceMs = 60_000;

export function createCredentials(
  env: Environment,
  { token, audience }: { token: string | undefined; audience: string },
  workflow: Pick<Workflow, "mask">,
): Credentials {
  if (token !== undefined) {
    workflow.mask(token);
    return async () => `Bearer ${token}`;
  }
  const url = env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const requestToken = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  if (!url || !requestToken) {
    throw new Refusal("GitHub gives this job no token, so Teal can't know whose it is.", {
      fix: "Add `permissions: { id-token: write, contents: read }` to the job; a pull request from a fork gets none. Or give the input token.",
    });
  }
  let held: { token: string; until: number } | undefined;
  return async (signal) => {
    if (held && Date.now() < held.until) return `Bearer ${held.token}`;
    const fresh = await patiently(() => request(url, requestToken, audience, signal), {
      patienceMs,
      signal,
      isPassing: (error) => error instanceof Refusal && error.passing,
    });
    workflow.mask(fresh);
    held = { token: fresh, until: endOf(fresh) - aheadMs };
    return `Bearer ${fresh}`;
  };
}

/** GitHub docs, "OpenID Connect reference": the token for an audience, by the run's own URL and token. */
async function request(base: string, token: string, audience: string, signal: AbortSignal): Promise<string> {
  const url = new URL(base);
  url.searchParams.set("audience", audience);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestMsMax)]),
    });
    text = await response.text();
  } catch {
    signal.throwIfAborted();
    throw new Refusal("GitHub gave no token: it did not answer.", { passing: true });
  }
  const value = response.ok ? valueOf(text) : undefined;
  if (value !== undefined) return value;
  throw new Refusal(`GitHub gave no token: it answered ${response.status}.`, {
    passing: response.status === 429 || response.status >= 500,
    fix: "Look whether the job has `permissions: { id-token: write }`.",
  });
}

function valueOf(text: string): string | undefined {
  const said = parsed(text);
  const value = typeof said === "object" && said !== null && "value" in said ? said.value : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** When a token ends, by what it says itself; at once where it doesn't. */
function endOf(token: string): number {
  const claims = parsed(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  const exp = typeof claims === "object" && claims !== null && "exp" in claims ? claims.exp : undefined;
  return typeof exp === "number" ? exp * 1_000 : 0;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
