/** Texts with places for values of a payload: `ghcr.io/acme/checkout:{{ workflow_run.head_sha }}`. Pure. */
import { z } from "zod";

/** Keys with dots between; of a list, the number of its entry. */
const pathPattern = /^[\w-]{1,100}(\.[\w-]{1,100}){0,9}$/;
const placePattern = /\{\{(.*?)\}\}/gs;
const placesMax = 10;
/** Of one value. */
const lengthMax = 1024;

export const payloadPath = z.string().regex(pathPattern, {
  error: "must be a path into the payload such as workflow_run.head_branch, with at most 10 keys",
});

export const template = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .superRefine((written, context) => {
      const wrong = (message: string) => context.addIssue({ code: "custom", message });
      const places = [...written.matchAll(placePattern)];
      if (places.length > placesMax) wrong(`must be at most ${placesMax} places for values`);
      for (const [whole, path = ""] of places) {
        if (!pathPattern.test(path.trim()))
          wrong(`has ${whole}, which is no path into the payload such as {{ release.tag_name }}`);
      }
      if (/\{\{|\}\}/.test(written.replaceAll(placePattern, ""))) wrong("has braces that don't close");
    });

export function hasPlaces(written: string): boolean {
  return written.includes("{{");
}

/** The value at a path; undefined where there is none. Only what the payload itself has counts. */
export function valueAt(payload: unknown, path: string): unknown {
  let here = payload;
  for (const key of path.split(".")) {
    if (!isTable(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here;
}

/** What can stand in a text. */
export function textOf(value: unknown): string | undefined {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : undefined;
}

/**
 * The text with the payload's values in their places, or what is wrong with one of them.
 * @param long what becomes of a value that is longer than 1024 characters
 */
export function fill(
  written: string,
  payload: unknown,
  long: "refuse" | "cut" = "refuse",
): { text: string; fault?: undefined } | { text?: undefined; fault: string } {
  let fault: string | undefined;
  const text = written.replaceAll(placePattern, (_, inner: string) => {
    const path = inner.trim();
    const value = valueAt(payload, path);
    const found = textOf(value);
    if (found === undefined || found === "") fault ??= `${path}, which ${lack(value)}`;
    else if (found.length > lengthMax && long === "refuse")
      fault ??= `${path}, which is longer than ${lengthMax} characters`;
    return found?.slice(0, lengthMax) ?? "";
  });
  return fault === undefined ? { text } : { fault };
}

function lack(value: unknown): string {
  if (value === undefined) return "the payload doesn't have";
  if (value === null) return "is null in the payload";
  if (value === "") return "is empty in the payload";
  return `is a ${Array.isArray(value) ? "list" : "mapping"} in the payload, not a single value`;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
