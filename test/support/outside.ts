/** What is outside of AWS in a test's world: numbers for checks, and systems that answer hooks. No network. */
import type { Ask, Measured } from "../../src/deployment/check.ts";
import type { HookAnswer, HookRequest } from "../../src/deployment/hook.ts";
import type { Fault, Outcome } from "../../src/deployment/observation.ts";
import type { Clock, Gauge, Hooks } from "../../src/engine/ports.ts";

export class Outside implements Gauge, Hooks {
  /** Every measurement asked for, and every call, in order. */
  readonly asks: Ask[] = [];
  readonly calls: HookRequest[] = [];
  /** What is measured; as the test wants it. */
  value: (ask: Ask) => Measured | Fault = () => ({ kind: "nothing", why: "nothing is measured here" });
  /** What a hook says. */
  answer: (request: HookRequest) => HookAnswer | Fault | "lost" = () => ({ status: "SUCCEEDED" });
  /** Hears each call as it arrives. */
  onCall: (request: HookRequest) => void = () => {};
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async measure(_target: unknown, ask: Ask): ReturnType<Gauge["measure"]> {
    this.asks.push(ask);
    const at = this.clock.now();
    const found = this.value(ask);
    return "class" in found ? { ok: false, fault: found, at } : { ok: true, value: found, at };
  }

  async call(request: HookRequest): Promise<Outcome> {
    this.calls.push(request);
    this.onCall(request);
    const at = this.clock.now();
    const said = this.answer(request);
    if (said === "lost") return { kind: "unknown", at, fault: hookFault("Timeout", "repeat") };
    return "class" in said
      ? { kind: "refused", at, fault: said }
      : { kind: "done", at, value: { hook: said } };
  }
}

export function hookFault(code: string, kind: Fault["class"]): Fault {
  return { class: kind, code, message: "no answer", action: "hook" };
}

/** Where a test has no use for any of it. */
export function nothingOutside(clock: Clock) {
  const outside = new Outside(clock);
  return { gauge: outside, hooks: outside, closed: () => [] };
}
