import { defineConfig } from "vitest/config";
import { CountReporter } from "./test/support/count-reporter.ts";

/** Tests that start real processes and watch real time: one file after the other, when the others are done. */
const alone = [
  "test/crash/**/*.test.ts",
  "test/demo/**/*.test.ts",
  "test/redis/outages/**/*.test.ts",
  "test/simulation/**/*.test.ts",
];

export default defineConfig({
  test: {
    globalSetup: ["test/support/shared-redis.ts"],
    reporters: ["default", new CountReporter()],
    testTimeout: 15_000,
    // Long enough for a busy machine; a poll that succeeds takes no longer for it.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: alone,
          setupFiles: ["test/support/reap.ts"],
          globalSetup: [],
          sequence: { groupOrder: 1 },
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
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
