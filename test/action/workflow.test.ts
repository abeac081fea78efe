import { expect, it } from "vitest";
import { createWorkflow } from "../../action/workflow.ts";

/** What is written for the runner. */
function written(tell: (workflow: ReturnType<typeof createWorkflow>) => void): string {
  const lines: string[] = [];
  tell(createWorkflow({}, (text) => lines.push(text)));
  return lines.join("");
}

it.each([
  ["::error::x", "· ::error::x\n"],
  ["  \t::error::x", "· ::error::x\n"],
  ["a\r\n::error::x", "a ::error::x\n"],
  ["a\u2028##[error]x", "a ## [error]x\n"],
  ["100 %0A is no line", "100 %0A is no line\n"],
])("a line is no command: %j", (text, line) => {
  expect(written((workflow) => workflow.say(text))).toBe(line);
});

it("commands carry any text whole", () => {
  const text = "50 %\r\n::warning::x, y: z";
  expect(written((workflow) => workflow.error(text, text))).toBe(
    "::error title=50 %25 %3A%3Awarning%3A%3Ax%2C y%3A z::50 %25%0D%0A::warning::x, y: z\n",
  );
});

it("groups are closed before the next, and once", () => {
  const lines = written((workflow) => {
    workflow.endGroup();
    workflow.group("one");
    workflow.group("two");
    workflow.endGroup();
    workflow.endGroup();
  });
  expect(lines).toBe("::group::one\n::endgroup::\n::group::two\n::endgroup::\n");
});

it("without the runner's files there is nothing to write to", () => {
  const all = written((workflow) => {
    workflow.output("a", "b");
    workflow.keep("a", "b");
    workflow.summary("a");
  });
  expect(all).toBe("");
});
