/**
 * What must come up for a promise to be put to the test; the number before each is the promise's. A run of many seeds
 * in which one of them never came up shows nothing about that promise.
 */
import type { DeploymentEvent } from "../../src/deployment/event.ts";

export const occasions = [
  "1 weight raised",
  "2 something taken away",
  "3 task set made",
  "3 create without an answer",
  "4 turn while acting",
  "4 commit of a replaced worker refused",
  "5 call made",
  "5 hook called",
  "6 deployment ended",
  "7 rollback ended",
  "7 rollback of green with traffic",
  "8 command obeyed",
  "8 command refused",
  "8 step held by a closure",
  "9 weights written",
  "9 drift held",
  "9 drift written over as asked",
  "10 Redis lost in mid-deployment",
  "10 step forward after that",
  "10 clock set",
] as const;

export type Occasion = (typeof occasions)[number];

export type Tally = Record<Occasion, number>;

export function noOccasions(): Tally {
  return Object.fromEntries(occasions.map((name) => [name, 0])) as Tally;
}

/** What the history of one deployment tells of them. */
export function tellOccasions(events: DeploymentEvent[], tally: Tally): void {
  let carried = false;
  for (const event of events) {
    if (event.type === "effect" && event.effect.kind === "setWeights") {
      if (event.effect.to.green > event.effect.from.green) carried = true;
      if (event.effect.again) tally["9 drift written over as asked"] += 1;
    }
    if (event.type === "effect" && event.effect.kind === "callHook") tally["5 hook called"] += 1;
    if (event.type === "phase" && event.to === "rolled_back") {
      tally["7 rollback ended"] += 1;
      if (carried) tally["7 rollback of green with traffic"] += 1;
    }
    if (event.type === "command") tally[event.obeyed ? "8 command obeyed" : "8 command refused"] += 1;
    if (event.type === "hold" && event.hold.kind === "drift") tally["9 drift held"] += 1;
    if (event.type === "hold" && (event.hold.kind === "freeze" || event.hold.kind === "window"))
      tally["8 step held by a closure"] += 1;
  }
}
