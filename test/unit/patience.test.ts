import { expect, it } from "vitest";
import { patiently } from "../../src/client/patience.ts";

/** Fails so often before it succeeds. */
function failing(times: number) {
  const calls = { count: 0 };
  const act = async () => {
    calls.count += 1;
    if (calls.count <= times) throw new Error("not now");
    return "done";
  };
  return { calls, act };
}

it("waits as long as the other side asks, where there is patience for it", async () => {
  const { calls, act } = failing(1);
  const begun = Date.now();
  const how = { patienceMs: 10_000, isPassing: () => true, leastWaitMs: () => 400 };
  expect(await patiently(act, how)).toBe("done");
  expect(calls.count).toBe(2);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(399);
});

it("gives up at once where the other side asks for more than there is", async () => {
  const { calls, act } = failing(9);
  const how = { patienceMs: 5_000, isPassing: () => true, leastWaitMs: () => 10_000 };
  await expect(patiently(act, how)).rejects.toThrow("not now");
  expect(calls.count).toBe(1);
});
