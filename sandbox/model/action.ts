import { z } from 'zod';

/** One API action: the shape of its input and what it does. */
export interface Action<R, I extends z.ZodType, O> {
  input: I;
  run: (region: R, input: z.output<I>) => O;
  /** Changes nothing; reads may lag. */
  readOnly: boolean;
}

/** An action that changes something. */
export function write<R, I extends z.ZodType, O>(
  input: I,
  run: (region: R, input: z.output<I>) => O,
): Action<R, I, O> {
  return { input, run, readOnly: false };
}

/** An action that only looks. */
export function read<R, I extends z.ZodType, O>(
  input: I,
  run: (region: R, input: z.output<I>) => O,
): Action<R, I, O> {
  return { input, run, readOnly: true };
}

/** The first problem of an input in words a caller can act on. */
export function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'The request is malformed.';
  const where = issue.path.map(String).join('.');
  return where === '' ? issue.message : `${where}: ${issue.message}`;
}

/** A page of a list and where the next one begins. */
export function page<T>(
  all: readonly T[],
  size: number,
  token: string | undefined,
  refuse: () => Error,
): { items: T[]; next: string | undefined } {
  const start = token === undefined || token === '' ? 0 : Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(start) || start < 0) throw refuse();
  const end = start + size;
  return {
    items: all.slice(start, end),
    next: end < all.length ? Buffer.from(String(end)).toString('base64url') : undefined,
  };
}
