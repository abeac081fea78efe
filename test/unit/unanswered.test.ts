import { expect, it } from "vitest";
import { decide } from "../../src/deployment/decide.ts";
import { now, scene } from "../support/fixtures.ts";

/** A write of weights after which nobody heard of the worker that was to send it. */
function lostWrite() {
  const { d, seen } = scene("shifting");
  const first = decide(d, seen, [], now);
  expect(first.next.pending?.effect.kind).toBe("setWeights");
  const deadline = first.next.pending?.deadline ?? 0;
  return { seen, deadline, taken: decide(first.next, seen, [], now + 3_000).next };
}

it("leaves weights alone that may still come", () => {
  const { taken, seen, deadline } = lostWrite();
  expect(decide(taken, seen, [], deadline).perform).toBe(false);
  expect(decide(taken, seen, [], taken.unsureUntil - 1).perform).toBe(false);
});

it("writes weights again as soon as the lost write can't come any more", () => {
  const { taken, seen } = lostWrite();
  const prompt = { ...taken, dueAt: taken.unsureUntil };
  const again = decide(prompt, seen, [], taken.unsureUntil);
  expect(again.perform).toBe(true);
  expect(again.next.pending?.effect).toMatchObject({ kind: "setWeights", from: { blue: 1, green: 0 } });
});

it("waits for an acknowledged write to show in reads", () => {
  const { d, seen } = scene("shifting");
  const { next } = decide(d, seen, [], now);
  const done = { kind: "done", at: now + 100, value: {} } as const;
  const taken = decide(next, { ...seen, outcome: done }, [], now + 200).next;
  expect(decide(taken, seen, [], now + 15_000).perform).toBe(false);
});

it("does not trust a clock by which a turn comes late: the wait begins anew", () => {
  const { taken, seen } = lostWrite();
  const late = decide(taken, seen, [], taken.unsureUntil + 3_600_000);
  expect(late.perform).toBe(false);
  expect(late.next.unsureUntil - (taken.unsureUntil + 3_600_000)).toBe(taken.unsureUntil - (now + 3_000));
});
