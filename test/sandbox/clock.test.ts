import { expect, test } from "vitest";
import { SteppedClock } from "../../sandbox/clock.ts";

test("callbacks run in the order of their time, then of their asking, also those asked for on the way", () => {
  const clock = new SteppedClock(1_000);
  const ran: string[] = [];
  const note = (name: string) => () => ran.push(`${name}@${clock.now()}`);
  clock.after(30, note("late"));
  clock.after(10, () => {
    note("first")();
    clock.after(5, note("nested"));
    clock.after(0, note("at once"));
  });
  clock.after(10, note("second"));
  clock.after(31, note("not yet"));
  clock.advance(30);
  expect(ran).toEqual(["first@1010", "second@1010", "at once@1010", "nested@1015", "late@1030"]);
  expect(clock.now()).toBe(1_030);
  expect(clock.nextAt()).toBe(1_031);
});

test("a cancelled callback never runs, cancelling twice or too late harms nobody", () => {
  const clock = new SteppedClock();
  let ran = 0;
  const cancel = clock.after(1, () => ran++);
  const keep = clock.after(1, () => ran++);
  cancel();
  cancel();
  clock.advance(1);
  keep();
  expect(ran).toBe(1);
  expect(clock.nextAt()).toBeUndefined();
});

test("thousands of callbacks in any order come out sorted", () => {
  const clock = new SteppedClock();
  const ran: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    const at = (i * 7_919) % 10_007;
    clock.after(at, () => ran.push(at));
  }
  clock.advance(20_000);
  expect(ran).toHaveLength(5_000);
  expect(ran).toEqual(ran.toSorted((a, b) => a - b));
});
