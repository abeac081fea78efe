/** AWS's shapes as plain JSON, fit for a record. */

/**
 * A copy without what is undefined, null, an empty string, list or object: AWS describes with such fillers what
 * nobody set, and refuses some of them in a request.
 */
export function withoutEmpties<T extends object>(value: T): T {
  return pruned(value, isEmpty);
}

/** A copy without what is undefined or null. */
export function withoutNothings<T extends object>(value: T): T {
  return pruned(value, isNothing);
}

/** From the inside out, so that what becomes empty goes too; items of lists keep their places. */
function pruned<T>(value: T, goes: (item: unknown) => boolean): T;
function pruned(value: unknown, goes: (item: unknown) => boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => pruned<unknown>(item, goes));
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const kept = pruned<unknown>(item, goes);
    if (!goes(kept)) copy[key] = kept;
  }
  return copy;
}

function isNothing(item: unknown): boolean {
  return item === undefined || item === null;
}

function isEmpty(item: unknown): boolean {
  if (isNothing(item) || item === "") return true;
  return typeof item === "object" && item !== null && Object.keys(item).length === 0;
}
