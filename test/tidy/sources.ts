import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The project's own files, for tests about the text of the project. */

export interface Source {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export const root = fileURLToPath(new URL("../..", import.meta.url));

const notOurs = new Set(["node_modules", "dist", ".git"]);

/** Every file of ours whose path matches, sorted by path. */
export function sources(pattern: RegExp): Source[] {
  return walk("")
    .filter((path) => pattern.test(path))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(root + path, "utf8") }));
}

/** TypeScript of the program itself, without its tests. */
export const programs = /^(src|workers|sandbox)\/.*\.ts$/;

function walk(folder: string): string[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    if (notOurs.has(entry.name)) return [];
    const path = folder + entry.name;
    return entry.isDirectory() ? walk(`${path}/`) : [path];
  });
}
