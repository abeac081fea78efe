/** A copy of plain JSON, all the way down. Every turn begins with one; `structuredClone` takes five times as long. */
export function copyOf<T>(value: T): T;
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => copyOf<unknown>(item));
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const key in copy) copy[key] = copyOf(copy[key]);
  return copy;
}
