/**
 * A worker that tells every point it passes and dies at the one that CRASH_AT names (none where it is `never`).
 * It is the real worker; only its ports are watched.
 */
import { loadConfig } from "../../src/config/config.ts";
import type { Cloud, Hooks, Records } from "../../src/engine/ports.ts";
import { runWorker } from "../../workers/worker.ts";
import { type Moment, pointLine, showPoint } from "./points.ts";

const crashAt = process.env["CRASH_AT"];
const counts = new Map<string, number>();
/** The effect whose outcome no commit has told of yet. */
let untold: string | undefined;

/** Passes a point, or dies there. */
async function at(moment: Moment, what: string): Promise<void> {
  const key = `${moment}:${what}`;
  const occurrence = (counts.get(key) ?? 0) + 1;
  counts.set(key, occurrence);
  const point = showPoint({ moment, what, occurrence });
  process.stdout.write(`${pointLine}${point}\n`);
  if (point !== crashAt) return;
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {});
}

const watchRecords = (records: Records): Records => ({
  ...records,
  async commit(claimed, decision, now) {
    if (untold !== undefined) await at("next", untold);
    untold = undefined;
    if (decision.perform && decision.next.pending) await at("commit", decision.next.pending.effect.kind);
    return await records.commit(claimed, decision, now);
  },
});

const watchCloud = (cloud: Cloud): Cloud => ({
  look: (target, look, deadline) => cloud.look(target, look, deadline),
  async perform(target, effect, guard) {
    await at("call", effect.kind);
    const outcome = await cloud.perform(target, effect, guard);
    untold = effect.kind;
    return outcome;
  },
});

const watchHooks = (hooks: Hooks): Hooks => ({
  async call(request, guard) {
    await at("call", "callHook");
    const outcome = await hooks.call(request, guard);
    untold = "callHook";
    return outcome;
  },
});

await runWorker(loadConfig(process.env), { records: watchRecords, cloud: watchCloud, hooks: watchHooks });
