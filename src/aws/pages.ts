/** Paging with a limit. */
import { CallFailed } from "./faults.ts";

/**
 * Reads pages until there is no next one. With more than `pagesMax` of them it fails, or, where `cut` is set,
 * returns what it has.
 */
export async function allPages<T>(
  action: string,
  options: { pagesMax: number; cut?: boolean },
  read: (token: string | undefined) => Promise<{ items: T[] | undefined; next: string | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  for (let page = 0; page < options.pagesMax; page++) {
    const { items, next } = await read(token);
    all.push(...(items ?? []));
    if (!next) return all;
    token = next;
  }
  if (options.cut) return all;
  throw new CallFailed({
    class: "refuse",
    code: "TooManyPages",
    message: `more than ${options.pagesMax} pages (${all.length} entries): Teal reads no further`,
    action,
  });
}

/** Splits a list into runs of at most `size`. */
export function chunks<T>(list: readonly T[], size: number): T[][] {
  const runs: T[][] = [];
  for (let start = 0; start < list.length; start += size) runs.push(list.slice(start, start + size));
  return runs;
}
