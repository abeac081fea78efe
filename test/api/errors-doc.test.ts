import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { catalogue, type ErrorEntry } from "../../src/errors.ts";

function page(): string {
  const rows = Object.entries<ErrorEntry>(catalogue).map(
    ([code, { status, retryable, title, fix }]) =>
      `| <a id="${code}"></a>\`${code}\` | ${status || "–"} | ${retryable ? "yes" : "no"} | ${title} | ${fix} |`,
  );
  return [
    "# Errors",
    "",
    "Every error that a person can meet, and what to do about it. The API answers with the HTTP status; errors",
    "without one appear as the cause of a deployment, as a hold, or where a process starts. _Again_ says whether the",
    "same request may succeed later without anybody changing anything. The API tells the same at `/docs/errors`, where",
    "the `type` of an answer leads. A code never changes its meaning.",
    "",
    "This page is made from `src/errors.ts`: `TEAL_UPDATE=1 npx vitest run test/api/errors-doc.test.ts` writes it.",
    "",
    "| code | HTTP | again | what happened | what to do |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** Without the padding that the formatter gives to tables. */
const bare = (text: string) => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");

it("docs/errors.md says what the catalogue says", () => {
  if (process.env["TEAL_UPDATE"] === "1") writeFileSync("docs/errors.md", page());
  expect(bare(readFileSync("docs/errors.md", "utf8"))).toBe(bare(page()));
});
