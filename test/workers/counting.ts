/** An engine for tests of the workers: each turn counts one step up and writes a line for each command. */
import type { DeploymentEvent } from "../../src/deployment/event.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Clock, Records } from "../../src/engine/ports.ts";
import { decision } from "../contract/deployment.ts";

export interface CountingOptions {
  records: Records;
  clock: Clock;
  /** Turns until it rests. */
  turns: number;
  /** Between two turns. */
  pauseMs: number;
  /** Sees every turn that was committed. */
  onTurn?: (step: number) => void;
}

export function countingEngine({
  records,
  clock,
  turns,
  pauseMs,
  onTurn,
}: CountingOptions): Pick<Engine, "run"> {
  return {
    run: async (id) => {
      const held = await records.claim(id);
      if (!held) return { kind: "absent" };
      const d = held.deployment;
      const step = Math.min(d.step + 1, turns);
      const lines = [`step ${step}`, ...held.inbox.map((command) => `obeyed ${command.id}`)];
      const events = lines.map((message, i): DeploymentEvent => ({
        seq: d.events + i,
        at: clock.now(),
        type: "note",
        message,
      }));
      const wakeAt = step < turns ? clock.now() + pauseMs : undefined;
      const next = {
        ...decision(d, { step }, lines.length),
        events,
        ...(wakeAt !== undefined && { wakeAt }),
      };
      const done = await records.commit(held, next, clock.now());
      if (done.kind === "lost") return { kind: "lost" };
      if (done.kind === "again") return { kind: "sleep", wakeAt: clock.now() };
      onTurn?.(step);
      return wakeAt === undefined ? { kind: "rest" } : { kind: "sleep", wakeAt };
    },
  };
}
