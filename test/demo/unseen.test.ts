/**
 * The demo's act with payments takes minutes, as CloudWatch's do: whole and sound it is played by CI's `make demo`,
 * and here with a verdict that sees no errors, as the control.
 */
import { readdirSync, rmSync } from "node:fs";
import { expect, it } from "vitest";
import { emptyDirectory, ended, failedChecks, startDemo } from "./played.ts";

it("fails where the verdict sees no errors: the version stays, and everything else is as it must be", async () => {
  const directory = emptyDirectory();
  try {
    const demo = startDemo("test/demo/scene.js", ["errors-unseen", "--sabotaged"], directory);
    const { code, result } = await ended(demo);
    expect(code).toBe(1);
    expect(failedChecks(result)).toMatchObject([
      {
        what: "payments: version 2 was turned back by green-vs-blue",
        detail: expect.stringMatching(/no longer for green-vs-blue/),
      },
    ]);
    expect(result.lost).toBe(0);
    expect(result.services[0]?.versions["2"]?.errors).toBeGreaterThan(50);
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 480_000);
