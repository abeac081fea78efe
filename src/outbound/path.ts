/** JSONPath (RFC 9535), within limits: neither a path nor an answer can keep a worker busy. */
import { createContext, Script } from "node:vm";
import { type JSONValue, JSONPathEnvironment, JSONPathError } from "json-p3";

const environment = new JSONPathEnvironment({ maxRecursionDepth: 100 });

/** Far more than 1 MiB takes; filters within filters and regular expressions can take for ever. */
const evaluateMsMax = 500;

export type Found =
  | { kind: "found"; count: number; first: JSONValue | undefined }
  /** The path is malformed, or takes too long. */
  | { kind: "unfit"; why: string };

export function find(path: string, document: JSONValue): Found {
  const evaluate = (): Found => {
    let count = 0;
    let first: JSONValue | undefined;
    for (const { value } of environment.lazyQuery(path, document)) {
      if (count === 0) first = value;
      count += 1;
    }
    return { kind: "found", count, first };
  };
  try {
    return bounded(evaluate);
  } catch (error) {
    if (error instanceof JSONPathError) return { kind: "unfit", why: error.message };
    return { kind: "unfit", why: `takes more than ${evaluateMsMax} ms or too much memory on this answer` };
  }
}

/** Nothing but a limit of V8's own ends a loop or a regular expression from outside; `vm` has one. */
function bounded<T>(evaluate: () => T): T {
  let result: T[] = [];
  const context = createContext({
    run: () => {
      result = [evaluate()];
    },
  });
  new Script("run()").runInContext(context, { timeout: evaluateMsMax });
  const [value] = result;
  if (value === undefined) throw new Error("nothing was evaluated");
  return value;
}
