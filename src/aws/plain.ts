/** AWS's shapes as plain JSON, fit for a record. */

/**
 * A copy without what is undefined, null, an empty string, list or object: AWS describes with such fillers what
 * nobody set, and refuses some of them in a request.
 */
export function withoutEmpties<T extends object>(value: T): T {
  const copy = structuredClone(value);
  prune(copy, isEmpty);
  return copy;
}

/** A copy without what is undefined or null. */
export function withoutNothings<T extends object>(value: T): T {
  const copy = structuredClone(value);
  prune(copy, isNothing);
  return copy;
}

/** From the inside out, so that what becomes empty goes too; items of lists keep their places. */
function prune(value: object, goes: (item: unknown) => boolean): void {
  for (const [key, item] of Object.entries(value) as Iterable<[string, unknown]>) {
    if (typeof item === "object" && item !== null) prune(item, goes);
    if (!Array.isArray(value) && goes(item)) Reflect.deleteProperty(value, key);
  }
}

function isNothing(item: unknown): boolean {
  return item === undefined || item === null;
}

function isEmpty(item: unknown): boolean {
  if (isNothing(item) || item === "") return true;
  return typeof item === "object" && item !== null && Object.keys(item).length === 0;
}
