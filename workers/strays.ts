/**
 * Looks for task sets of ours that no record answers for, as they are left when Redis came back older or empty, and
 * tells of them. It changes nothing: what becomes of them is for a person to say, with `teal recover`.
 */
import type { Engine } from "../src/engine/engine.ts";
import type { Clock, StrayBook } from "../src/engine/ports.ts";
import { TealError } from "../src/errors.ts";
import type { ServiceTarget } from "../src/deployment/target.ts";
import type { TroubleLog } from "../src/telemetry.ts";
import { type RoundOptions, startRounds } from "./rounds.ts";

export interface StrayParts {
  engine: Pick<Engine, "strays">;
  strayBook: StrayBook;
  /** Of the services that there are now. */
  targets: () => readonly ServiceTarget[];
  clock: Clock;
  /** Not limited in rate: each stray is told once an hour anyway. */
  tell: TroubleLog;
  log: TroubleLog;
}

/** Services that are looked at side by side: few, so that deployments keep their share of AWS's rates. */
const batch = 4;

/** How often one stray is told of. */
const tellEveryMs = 3_600_000;

/** Notes and tells what there is; returns how many. Safe to repeat. Throws `unavailable` without Redis. */
export async function lookForStrays(parts: StrayParts): Promise<number> {
  const targets = parts.targets();
  let count = 0;
  for (let n = 0; n < targets.length; n += batch) {
    const found = await Promise.all(targets.slice(n, n + batch).map((target) => lookAt(target, parts)));
    count += found.reduce((sum, some) => sum + some, 0);
  }
  return count;
}

async function lookAt(target: ServiceTarget, { engine, strayBook, clock, tell, log }: StrayParts) {
  const service = target.name;
  const strays = await engine.strays(target).catch((error: unknown) => {
    // AWS that can't be read now is read again in the next round.
    if (error instanceof TealError && error.code === "unavailable") return error;
    throw error;
  });
  if (strays instanceof TealError) {
    log.warn({ err: strays, service }, "could not look for task sets without a record");
    return 0;
  }
  await strayBook.write(service, { at: clock.now(), deployments: strays.map((stray) => stray.deployment) });
  for (const { deployment, state, set } of strays) {
    if (!(await strayBook.mayTell(service, deployment, tellEveryMs))) continue;
    tell.warn(
      { service, deploymentId: deployment, state, taskSet: set.id },
      `no record answers for the task set ${set.id} of ${deployment} (${state}); look with: teal recover ${service}`,
    );
  }
  return strays.length;
}

export function startStrays(parts: StrayParts & RoundOptions): { stop(): Promise<void> } {
  return startRounds("strays", () => lookForStrays(parts), parts);
}
