/**
 * The diagram of phases in ARCHITECTURE.md is drawn from the table that the machine runs by; this test holds the
 * two equal. `UPDATE=1` in the environment rewrites the diagram.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { isTerminal, phases, phaseTable } from "../../src/deployment/phases.ts";

const file = fileURLToPath(new URL("../../ARCHITECTURE.md", import.meta.url));
const begin = "<!-- transitions:begin -->";
const end = "<!-- transitions:end -->";

/** A Mermaid state diagram, and beneath it what each phase does and obeys. */
function drawn(): string {
  const arrows = phases.flatMap((from) => phaseTable[from].to.map((to) => `  ${from} --> ${to}`));
  const ends = phases.filter(isTerminal).map((phase) => `  ${phase} --> [*]`);
  const rows = phases.map((phase) => {
    const { what, commands } = phaseTable[phase];
    return [`\`${phase}\``, what, commands.join(", ")];
  });
  return [
    "",
    "",
    "```mermaid",
    "stateDiagram-v2",
    "  [*] --> queued",
    ...arrows,
    ...ends,
    "```",
    "",
    ...table(["phase", "what it does", "commands it can obey"], rows),
    "",
    "",
  ].join("\n");
}

/** A Markdown table as the formatter leaves it: columns as wide as their widest cell. */
function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((cell, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0), cell.length),
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}

it("the phases in ARCHITECTURE.md are those of the table", () => {
  const text = readFileSync(file, "utf8");
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  expect(text).toContain(begin);
  expect(to).toBeGreaterThan(from);
  if (process.env["UPDATE"]) writeFileSync(file, text.slice(0, from) + drawn() + text.slice(to));
  else expect(text.slice(from, to), "run it with UPDATE=1 to draw it anew").toBe(drawn());
});
