import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Source, sources } from "./sources.ts";

/** The runner gives the action its files and Node, and nothing else: no packages, no build. */

const files = new Map(sources(/\.ts$/).map((source) => [source.path, source]));
const [description] = sources(/^action\.yml$/);
const action = parse(description?.text ?? "") as {
  inputs: Record<string, { required?: boolean; default?: string }>;
  runs: Record<string, string>;
};
const entries = [action.runs["main"] ?? "", action.runs["post"] ?? ""];

/** What is still imported when types are left out. */
function loadedBy({ text }: Source): string[] {
  const found = text.matchAll(/^\s*(?:import|export)\s+(?!type\b)(?:[^"';]*?\bfrom\s+)?["']([^"']+)["']/gm);
  return [...found].map((match) => match[1] ?? "");
}

/** What Node would not find or not understand, from a file on. */
function unfit(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const source = files.get(path);
  if (!source) return [`${path} is not there`];
  return loadedBy(source).flatMap((name) => {
    if (name.startsWith("node:")) return [];
    if (!name.startsWith(".")) return [`${path} needs the package ${name}`];
    return unfit(posix.join(posix.dirname(path), name), seen);
  });
}

test("the action needs nothing but its own files", () => {
  expect(entries.flatMap((entry) => unfit(entry))).toEqual([]);
  expect(unfit("src/cli/main.ts")).toContain("src/cli/main.ts needs the package commander");
});

describe("its inputs", () => {
  const read = [...(files.get("action/inputs.ts")?.text.matchAll(/\(env, "([\w-]+)"/g) ?? [])];
  const names = new Set(read.map((match) => match[1]));

  test("are those that it describes", () => {
    expect(new Set(Object.keys(action.inputs))).toEqual(names);
  });

  test("are in the documents, each with its default", () => {
    const [page] = sources(/^docs\/from-ci\.md$/);
    for (const [name, { default: usual }] of Object.entries(action.inputs)) {
      const row = page?.text.split("\n").find((line) => line.startsWith(`| \`${name}\``));
      expect(row, name).toBeDefined();
      if (usual !== undefined) expect(row).toContain(`\`${usual}\``);
    }
  });
});
