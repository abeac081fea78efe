/** Reads `teal.yaml`: all that is wrong with it at once, each with its line and column. */
import { isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { Problem } from "../errors.ts";
import { disagreements } from "./agreement.ts";
import { checkSchema, checksSchema, verdictName } from "./checks.ts";
import { configured, type FileConfig, offersOf, type Parts } from "./configured.ts";
import { dotted, explain, type Finding, findings } from "./explain.ts";
import { defaultsSchema, fileSchema } from "./language.ts";
import { type Outside, unmet } from "./outside.ts";
import { strategySchema } from "./strategies.ts";

/** Most characters of a configuration file, and most problems told of one. */
const textMax = 1_048_576;
const problemsMax = 100;

/**
 * @param name how the file is called in messages
 * @param outside what the environment gives; left out, whether that suffices isn't looked at
 */
export function readConfigText(
  text: string,
  name: string,
  outside?: Outside,
): { config: FileConfig; problems: [] } | { config?: undefined; problems: Problem[] } {
  const problem = (message: string, place = ""): Problem => ({
    code: "bad-config",
    message,
    path: `${name}${place}`,
  });
  if (text.length > textMax) return { problems: [problem(`is longer than ${textMax} characters`)] };

  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => problem(`YAML: ${error.message}`, place(error.pos[0]))),
    };
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { problems: [problem(`YAML: ${error instanceof Error ? error.message : String(error)}`)] };
  }

  const parsed = fileSchema.safeParse(raw, { error: explain });
  const found = [
    ...(parsed.error ? findings(parsed.error.issues) : []),
    ...disagreements(raw, offersOf(wellFormed(raw))),
    ...(outside ? unmet(raw, outside) : []),
  ];
  if (parsed.success && found.length === 0) return { config: configured(parsed.data), problems: [] };
  return {
    problems: found
      .map((finding) => ({ finding, offset: offsetOf(document, finding) }))
      .sort((a, b) => a.offset - b.offset)
      .slice(0, problemsMax)
      .map(({ finding, offset }) =>
        problem(`${dotted(finding.path) || "the file"} ${finding.message}`, place(offset)),
      ),
  };
}

/** What can be read by itself of the parts that others refer to, so that one fault hides none elsewhere. */
function wellFormed(raw: unknown): Parts {
  const parts = isObject(raw) ? raw : {};
  const defaults = defaultsSchema.safeParse(parts["defaults"]);
  const { [verdictName]: verdict, ...checks } = isObject(parts["checks"]) ? parts["checks"] : {};
  const numbers = checksSchema.safeParse({ [verdictName]: verdict });
  return {
    strategies: each(parts["strategies"], (one) => strategySchema.safeParse(one)),
    checks: { ...(numbers.success && numbers.data), ...each(checks, (one) => checkSchema.safeParse(one)) },
    ...(defaults.success && { defaults: defaults.data }),
  };
}

function each<T>(
  table: unknown,
  parse: (one: unknown) => { success: true; data: T } | { success: false },
): Record<string, T> {
  const well: Record<string, T> = {};
  for (const [name, one] of Object.entries(isObject(table) ? table : {})) {
    const parsed = parse(one);
    if (parsed.success) well[name] = parsed.data;
  }
  return well;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where the finding's key or value stands in the text; of something missing, where its parent stands. */
function offsetOf(document: Document, finding: Finding): number {
  for (let length = finding.path.length; length > 0; length -= 1) {
    const parent = document.getIn(finding.path.slice(0, length - 1), true);
    const last = finding.path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last));
      if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0];
    }
    const node: unknown = document.getIn(finding.path.slice(0, length), true);
    const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
    if (Array.isArray(range) && typeof range[0] === "number") return range[0];
  }
  return 0;
}
