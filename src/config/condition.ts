/** Conditions of checks as people write them: `value < 0.4`, `value >= 10 and value <= 20`, `value == "ok"`. */
import type { Condition } from "../deployment/check.ts";

type Term = Condition["terms"][number];

const termsMax = 8;
const lengthMax = 300;
const operators = ["<=", ">=", "==", "!=", "<", ">"] as const;

const token = /\s*(<=|>=|==|!=|<|>|"(?:[^"\\]|\\["\\])*"|[^\s<>=!"]+|\S)/y;

/** The condition, or what is wrong with it and what is allowed. */
export function parseCondition(
  written: string,
): { condition: Condition; fault?: undefined } | { condition?: undefined; fault: string } {
  if (written.length > lengthMax) return { fault: `must be at most ${lengthMax} characters` };
  const words = tokensOf(written);
  const terms: Term[] = [];
  let join: Condition["join"] | undefined;
  for (let at = 0; ; at += 4) {
    const [subject, operator, limit, next] = words.slice(at, at + 4);
    if (subject !== "value") {
      return { fault: `must begin each comparison with value, as in value < 0.4${got(subject)}` };
    }
    const known = operators.find((one) => one === operator);
    if (!known) return { fault: `must compare by one of ${operators.join(" ")}${got(operator)}` };
    const read = limit === undefined ? undefined : literal(limit);
    if (read === undefined) {
      return { fault: `must compare with a number, true, false or a text in double quotes${got(limit)}` };
    }
    if (typeof read !== "number" && known !== "==" && known !== "!=") {
      return { fault: `can compare ${limit} only by == or !=, not by ${known}` };
    }
    terms.push({ operator: known, limit: read });
    if (next === undefined) return { condition: { written: written.trim(), join: join ?? "and", terms } };
    if (next !== "and" && next !== "or") {
      return { fault: `must join comparisons by and, or by or${got(next)}` };
    }
    if (join !== undefined && join !== next) {
      return { fault: "must not mix and with or: write success and failure, or two checks" };
    }
    if (terms.length === termsMax) return { fault: `must be at most ${termsMax} comparisons` };
    join = next;
  }
}

function tokensOf(written: string): string[] {
  const words: string[] = [];
  token.lastIndex = 0;
  for (let found = token.exec(written); found; found = token.exec(written)) words.push(found[1] ?? "");
  return words;
}

function literal(word: string): Term["limit"] | undefined {
  if (word === "true" || word === "false") return word === "true";
  if (/^".*"$/s.test(word)) return word.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
  if (!/^[+-]?(\d+(\.\d+)?|\.\d+)(e[+-]?\d{1,3})?$/i.test(word)) return undefined;
  const number = Number(word);
  return Number.isFinite(number) ? number : undefined;
}

function got(word: string | undefined): string {
  return word === undefined ? "; it ends before that" : `; it has ${word} there`;
}
