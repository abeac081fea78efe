import type { z } from "zod";
import type { Region } from "./region.ts";

/** One API action: the shape of its input and what it does. */
export interface Action<I extends z.ZodType, O extends object, P = Region> {
  input: I;
  /** Checks the parameters, refuses them in the service's own way, and acts. */
  perform: (place: P, params: unknown, refuse: (message: string) => Error) => O;
}

/** An action that changes something. */
export function write<I extends z.ZodType, O extends object>(
  input: I,
  act: (region: Region, input: z.output<I>) => O,
): Action<I, O> {
  return {
    input,
    perform: (region, params, refuse) => {
      const given = checked(input, params, refuse);
      return region.change(() => act(region, given));
    },
  };
}

/** An action that only looks; what it sees may lag. */
export function read<I extends z.ZodType, O extends object>(
  input: I,
  look: (region: Region, input: z.output<I>) => O,
): Action<I, O> {
  return { input, perform: (region, params, refuse) => look(region, checked(input, params, refuse)) };
}

/** The parameters as the shape has them, or a refusal that says what is wrong. */
export function checked<I extends z.ZodType>(
  shape: I,
  params: unknown,
  refuse: (message: string) => Error,
): z.output<I> {
  const parsed = shape.safeParse(params);
  if (parsed.success) return parsed.data;
  throw refuse(problemOf(parsed.error));
}

/** The first problem of an input in words a caller can act on. */
function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "The request is malformed.";
  const where = issue.path.map(String).join(".");
  return where === "" ? issue.message : `${where}: ${issue.message}`;
}

/** A page of a list and where the next one begins. */
export function page<T>(
  all: readonly T[],
  size: number,
  token: string | undefined,
  refuse: () => Error,
): { items: T[]; next: string | undefined } {
  const start = token === undefined || token === "" ? 0 : Number(Buffer.from(token, "base64url").toString());
  if (!Number.isInteger(start) || start < 0) throw refuse();
  const end = start + size;
  return {
    items: all.slice(start, end),
    next: end < all.length ? Buffer.from(String(end)).toString("base64url") : undefined,
  };
}
