import { readFile } from "node:fs/promises";
import { isMap, isNode, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { crossProblems, worldSchema, type Problem, type World } from "./schema.ts";

/** A world file that can't be used; its message lists every problem with path and line. */
export class WorldError extends Error {
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    super(
      `${file} is not a world that the sandbox can build:\n${problems.map((it) => `  ${it}`).join("\n")}`,
    );
    this.name = "WorldError";
    this.problems = problems;
  }
}

/** Reads a world file; throws WorldError, or Node's error when the file can't be read. */
export async function readWorld(file: string): Promise<World> {
  return parseWorld(await readFile(file, "utf8"), file);
}

/** Reads a world from YAML (JSON is YAML too); throws WorldError. `file` is for the messages. */
export function parseWorld(text: string, file = "world.yaml"): World {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new WorldError(
      file,
      document.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${error.message}`),
    );
  }
  const content: unknown = document.toJS();
  const parsed = worldSchema.safeParse(content);
  const problems = parsed.success
    ? crossProblems(parsed.data)
    : parsed.error.issues.flatMap((issue) => spread(issue));
  if (parsed.success && problems.length === 0) return parsed.data;
  const told = problems.map(({ path, message }) => {
    const where = path.map(String).join(".");
    return `line ${lineOf(document, lines, path)}: ${where === "" ? "" : `${where}: `}${message}`;
  });
  throw new WorldError(file, told);
}

/** An unknown key is told at its own line, not at its parent's. */
function spread(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: "there is no such key" }));
  }
  return [{ path: issue.path, message: issue.message }];
}

/** The line of the thing at a path or, where it is missing, of what it is missing in. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === String(last)) : undefined;
    const node: unknown = pair?.key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
