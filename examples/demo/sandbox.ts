/** The local AWS as a process of its own, and what it knows without being asked through AWS's interface. */
import type { FaultRule } from "../../sandbox/faults.ts";
import type { Snapshot } from "../../sandbox/model/aws.ts";
import type { Behaviour } from "../../sandbox/model/behaviour.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import type { SandboxFacts } from "../../sandbox/sandbox.ts";

const answerMsMax = 5_000;

export function sandboxAt(facts: SandboxFacts) {
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${facts.endpoint}/_sandbox${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMsMax),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the sandbox refused ${method} ${path}: ${text}`);
    const answer: T = JSON.parse(text);
    return answer;
  }

  return {
    facts,
    /** Everything there is now, without the lag of AWS's reads. */
    state: async () => {
      const all = await ask<Snapshot>("GET", "/state");
      const region = all[facts.region];
      if (!region) throw new Error(`the sandbox has no region ${facts.region}`);
      return region;
    },
    settings: () => ask<Settings>("GET", "/settings"),
    /** Changes how this AWS behaves from now on. */
    change: (settings: Partial<Settings>) => ask<object>("POST", "/settings", settings),
    /** Changes how tasks act, by image. */
    behave: (behaviours: Record<string, Behaviour>) => ask<object>("POST", "/behaviours", behaviours),
    /** How often each action was called. */
    calls: async () => (await ask<{ byAction: Record<string, number> }>("GET", "/calls")).byAction,
    addFault: (rule: FaultRule) => ask<{ id: number }>("POST", "/faults", rule),
  };
}

export type Sandbox = ReturnType<typeof sandboxAt>;
export type State = Snapshot[string];
