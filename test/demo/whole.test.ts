/**
 * The whole demo, as `make demo` plays it, and beside it its act with payments where the verdict sees no errors: only
 * there may the bad version stay. They take minutes, as CloudWatch's do.
 */
import { readdirSync, rmSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { emptyDirectory, ended, failedChecks, startDemo } from "./played.ts";

const directories = [emptyDirectory(), emptyDirectory()] as const;

afterEach(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

it("succeeds; it fails where the verdict sees no errors: the version stays, all else is as it must be", async () => {
  const [whole, unseen] = await Promise.all([
    ended(startDemo("examples/demo/main.js", ["--json"], directories[0])),
    ended(startDemo("test/demo/scene.js", ["errors-unseen", "--sabotaged"], directories[1])),
  ]);
  expect(failedChecks(whole.result)).toEqual([]);
  expect(whole).toMatchObject({ code: 0, result: { ok: true, lost: 0 } });
  expect(whole.result.services.map(({ service }) => service).toSorted()).toEqual(["checkout", "payments"]);

  expect(unseen.code).toBe(1);
  expect(failedChecks(unseen.result)).toMatchObject([
    {
      what: "payments: version 2 was turned back by green-vs-blue",
      detail: expect.stringMatching(/no longer for green-vs-blue/),
    },
  ]);
  expect(unseen.result.lost).toBe(0);
  expect(unseen.result.services[0]?.versions["2"]?.errors).toBeGreaterThan(50);
  expect(directories.map((directory) => readdirSync(directory))).toEqual([[], []]);
}, 480_000);
