/**
 * A worker that stops itself (SIGSTOP) when nothing keeps a call back any more: it is written down, the claim was
 * seen to hold and the time to begin it isn't over. So whenever it is thawed, it sends. FREEZE_AT names the effect:
 * `setWeights:2` is the second one of its kind.
 */
import { loadConfig } from "../../src/config/config.ts";
import type { Cloud, Guard } from "../../src/engine/ports.ts";
import { runWorker } from "../../workers/worker.ts";

const freezeAt = process.env["FREEZE_AT"];
const counts = new Map<string, number>();

/** How it tells that it is about to stop. */
const frozenLine = "frozen past the guard";

/** The deadline is what the guard compares last, with a time that it took before. */
function stopping(guard: Guard): Guard {
  let isAsked = false;
  let isOver = false;
  return {
    allowed: async () => {
      isAsked = await guard.allowed();
      return isAsked;
    },
    get deadline() {
      if (isAsked && !isOver) {
        isOver = true;
        process.stdout.write(`${frozenLine}\n`);
        process.kill(process.pid, "SIGSTOP");
      }
      return guard.deadline;
    },
  };
}

const watchCloud = (cloud: Cloud): Cloud => ({
  look: (target, look, deadline) => cloud.look(target, look, deadline),
  perform: (target, effect, guard) => {
    const count = (counts.get(effect.kind) ?? 0) + 1;
    counts.set(effect.kind, count);
    const isIt = `${effect.kind}:${count}` === freezeAt;
    return cloud.perform(target, effect, isIt ? stopping(guard) : guard);
  },
});

await runWorker(loadConfig(process.env), { cloud: watchCloud });
