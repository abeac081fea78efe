import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";
import { CountReporter } from "./test/support/count-reporter.ts";

/** Tests that start real processes and mostly wait for real time: two files side by side, when the others are done. */
const waiting = ["test/crash/frozen.test.ts", "test/crash/sweep.test.ts", "test/redis/outages/**/*.test.ts"];

/** Those that keep the machine busy: one file after the other, last of all. */
const alone = [
  "test/crash/matrix.test.ts",
  "test/crash/restarts.test.ts",
  "test/demo/demo.test.ts",
  "test/demo/whole.test.ts",
  "test/simulation/**/*.test.ts",
];

export default defineConfig({
  test: {
    globalSetup: ["test/support/shared-redis.ts"],
    sequence: { sequencer: LongestFirst },
    reporters: ["default", new CountReporter()],
    // Long enough for a busy machine: what ends sooner takes no longer for it.
    testTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: [...waiting, ...alone],
          setupFiles: ["test/support/reap.ts"],
          globalSetup: [],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "waiting",
          include: waiting,
          setupFiles: ["test/support/reap.ts"],
          globalSetup: [],
          testTimeout: 240_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: alone,
          setupFiles: ["test/support/reap.ts"],
          globalSetup: [],
          testTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
