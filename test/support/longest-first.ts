import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take long, the longest first: one that began last would be waited for alone. */
const longest = [
  "test/scenario/recover.test.ts",
  "test/cli/teal.test.ts",
  "test/scenario/aws-trouble.test.ts",
  "test/demo/whole.test.ts",
  "test/demo/demo.test.ts",
  "test/crash/frozen.test.ts",
  "test/redis/outages/outages.test.ts",
];

/** Vitest itself goes by what files took the last time, of which a fresh clone knows nothing. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = longest.findIndex((path) => moduleId.endsWith(path));
  return rank < 0 ? longest.length : rank;
}
