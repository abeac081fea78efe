import { posix } from "node:path";
import type { Source } from "./sources.ts";

/** Habits that a compiler doesn't know. Each check answers with lines for people; none means all is well. */

interface Habit {
  readonly name: string;
  /** The files it is about. */
  readonly where: RegExp;
  readonly except?: RegExp;
  /** What must not be found in the code there, comments and strings aside. */
  readonly never: RegExp;
  /** Two texts for the test of this habit: one that offends, one that doesn't. */
  readonly bad: string;
  readonly good: string;
}

export const habits: readonly Habit[] = [
  {
    name: "the pure rooms take time and chance from outside",
    where: /^src\/(deployment|engine)\//,
    never: /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\brandom(UUID|Bytes|Int)\b/,
    bad: "const at = Date.now();",
    good: "const at = new Date(now); // Date.now() would not do",
  },
  {
    name: "the environment is read in one place",
    where: /^(src|workers|sandbox)\//,
    except: /^src\/config\/|\/main\.ts$/,
    never: /\bprocess\.env\b/,
    bad: "const port = process.env.PORT;",
    good: "const port = config.port;",
  },
  {
    name: "no test is left out or runs alone",
    where: /\.test\.ts$/,
    never: /\b(it|test|describe)(\.\w+)*\.(only|skip|todo)\b/,
    bad: "test.concurrent.only('x', () => {});",
    good: "test.skipIf(condition)('x', () => {});",
  },
  {
    name: "the compiler and the linter are not silenced",
    where: /\.(ts|mjs)$/,
    never: /\bas any\b|: any\b/,
    bad: "const x = y as any;",
    good: "const any = y;",
  },
  {
    name: "no names that mean nothing",
    where: /^(src|workers|sandbox)\//,
    never: /\b(class|interface|type) \w*(Manager|Helper|Utils?|Base)\b/,
    bad: "export class RedisManager {}",
    good: "export class Records {}",
  },
];

/** Comments can silence too, so this one looks at the whole text. */
export const silencer = /@ts-(ignore|nocheck|expect-error)|(ox|es)lint-disable/;

export const linesMax = 500;

/** Every line that breaks a habit, as `path:line: habit`. */
export function brokenHabits({ path, text }: Source, list: readonly Habit[] = habits): string[] {
  const lines = codeOf(text).split("\n");
  return list.flatMap(({ name, where, except, never }) =>
    where.test(path) && !except?.test(path)
      ? lines.flatMap((line, index) => (never.test(line) ? [`${path}:${index + 1}: ${name}`] : []))
      : [],
  );
}

/** The text with its comments and plain strings emptied, line for line. */
export function codeOf(text: string): string {
  return text.replaceAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\*[^]*?\*\/|(?<!:)\/\/[^\n]*/g, (match) =>
    match.startsWith("/") ? match.replaceAll(/[^\n]/g, " ") : `""`,
  );
}

/** Links of a Markdown file to files that aren't there. Links to other sites and within the page aren't looked at. */
export function brokenLinks({ path, text }: Source, exists: (path: string) => boolean): string[] {
  const prose = text.replaceAll(/^```[^]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].flatMap((match) => {
    const target = (match[1] ?? "").replace(/#.*$/, "");
    if (target === "" || /^[a-z]+:/.test(target)) return [];
    const file = posix.normalize(
      target.startsWith("/") ? target.slice(1) : posix.join(posix.dirname(path), target),
    );
    return exists(file) ? [] : [`${path}: the link to ${target} leads nowhere`];
  });
}

/** Commands in the code of a Markdown file, `make x` and `npm run x`, that the project doesn't have. */
export function unknownCommands(
  { path, text }: Source,
  targets: readonly string[],
  scripts: readonly string[],
): string[] {
  const code = text.match(/^```[^]*?^```|`[^`\n]+`/gm) ?? [];
  return [...code.join("\n").matchAll(/\b(make|npm run) ([\w:-]+)/g)].flatMap((match) => {
    const [program, name] = [match[1] ?? "", match[2] ?? ""];
    const known = program === "make" ? targets : scripts;
    return known.includes(name) ? [] : [`${path}: there is no \`${program} ${name}\``];
  });
}
