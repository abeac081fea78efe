/** What is outside of AWS: by chance it goes wrong, until it is well. */
import type { Ask, Measured } from "../../src/deployment/check.ts";
import type { Fault } from "../../src/deployment/observation.ts";
import type { Random } from "../../sandbox/random.ts";
import { hookFault, type Outside } from "../support/outside.ts";
import type { Plan } from "./chaos.ts";

export function upset(outside: Outside, { bad, unclear, failing }: Plan["outside"], random: Random): void {
  outside.value = (ask) => measured(ask, { bad, unclear }, random);
  outside.answer = () => {
    if (random() >= failing) return { status: "SUCCEEDED" };
    const roll = random();
    if (roll < 0.3) return "lost";
    if (roll < 0.5) return hookFault("ECONNREFUSED", "repeat");
    if (roll < 0.7) return { status: "FAILED", message: "no" };
    return { status: "IN_PROGRESS", callBackMs: 2_000 };
  };
}

export function settle(outside: Outside, random: Random): void {
  outside.value = (ask) => measured(ask, { bad: 0, unclear: 0 }, random);
  outside.answer = () => ({ status: "SUCCEEDED" });
}

function measured(
  { kind }: Ask,
  { bad, unclear }: { bad: number; unclear: number },
  random: Random,
): Measured | Fault {
  if (random() < unclear) {
    return random() < 0.5 ? { kind: "nothing", why: "no data" } : hookFault("Timeout", "repeat");
  }
  const isBad = random() < bad;
  if (kind === "traffic") return { kind: "nothing", why: "nothing is counted here" };
  if (kind !== "alarms") return { kind: "value", value: isBad ? 9 : 0 };
  return { kind, firing: isBad ? [{ name: "s-5xx", reason: "crossed" }] : [], missing: [] };
}
