/** Turns what zod finds wrong into sentences for people: what is wrong, and what is allowed. */
import type { z } from "zod";

/** The error map for every `safeParse` whose findings a person reads; a schema's own messages go first. */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? `is missing; it must be ${kind(issue.expected)}`
        : `must be ${kind(issue.expected)}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "unrecognized_keys": {
      const allowed = keysOf(issue.inst);
      return allowed.length > 0
        ? `is not known here; allowed are ${allowed.join(", ")}`
        : "is not known here";
    }
    case "too_big":
      return `must be at most ${issue.maximum}${counted(issue.origin)}`;
    case "too_small":
      return `must be at least ${issue.minimum}${counted(issue.origin)}`;
    case "invalid_key":
      return issue.issues[0]?.message;
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "invalid_union":
    case "not_multiple_of":
      return undefined;
    default:
      return undefined;
  }
}

/** One thing wrong, at the path of the value or the unknown key. */
export interface Finding {
  path: PropertyKey[];
  message: string;
}

/** One finding for each issue, and for unknown keys one for each key, so that each has its own place. */
export function findings(issues: readonly z.core.$ZodIssue[]): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ path: [...issue.path, key], message: issue.message }));
    }
    // Of several forms, what is wrong with the one that was meant; the form shows by its type.
    const meant = issue.code === "invalid_union" ? issue.errors.filter((form) => !isOtherType(form)) : [];
    return meant.length === 1
      ? findings(meant[0] ?? []).map(({ path, message }) => ({ path: [...issue.path, ...path], message }))
      : [{ path: issue.path, message: issue.message }];
  });
}

function isOtherType(form: readonly z.core.$ZodIssue[]): boolean {
  return form.some(({ code, path }) => code === "invalid_type" && path.length === 0);
}

/** `strategies.careful.steps[2].weight` */
export function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

function kind(expected: string): string {
  const names: Record<string, string> = {
    string: "a text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    object: "a mapping",
    record: "a mapping",
    array: "a list",
    tuple: "a list",
    undefined: "left out",
  };
  return names[expected] ?? expected;
}

function counted(origin: string): string {
  return origin === "string"
    ? " characters"
    : origin === "array"
      ? " entries"
      : origin === "object"
        ? " keys"
        : "";
}

function keysOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null || !("shape" in schema)) return [];
  return typeof schema.shape === "object" && schema.shape !== null ? Object.keys(schema.shape) : [];
}
