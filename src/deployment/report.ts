/** What is told of a deployment where its code lives, in the words of GitHub's deployment statuses. Pure. */
import { isTerminal, type Phase, phaseTable } from "./phases.ts";
import type { Deployment } from "./record.ts";

export interface Report {
  state: "queued" | "in_progress" | "success" | "failure" | "error" | "inactive";
  /** At most 140 characters, as GitHub takes them. */
  description: string;
  /** It differs from what was told before exactly where this does. */
  mark: string;
  /** Nothing else will be told. */
  last: boolean;
}

const descriptionMax = 140;

export function reportOf(d: Deployment): Report {
  const state = stateOf(d);
  // Not the note: by the time that it is read, something else may be waited for.
  const { what } = phaseTable[d.phase];
  const text = toldByCause.has(d.phase) ? (d.cause?.message ?? what) : what;
  const said = Array.from(`${d.phase.replace("_", " ")}: ${text}`);
  return {
    state,
    description:
      said.length > descriptionMax ? `${said.slice(0, descriptionMax - 1).join("")}…` : said.join(""),
    mark: state === "in_progress" ? `${state} ${d.phase}` : state,
    last: isTerminal(d.phase) && d.settled,
  };
}

const toldByCause: ReadonlySet<Phase> = new Set(["rolling_back", "rolled_back", "failed", "abandoned"]);

function stateOf({ phase, cause }: Deployment): Report["state"] {
  switch (phase) {
    case "queued":
      return "queued";
    case "preparing":
    case "provisioning":
    case "testing":
    case "shifting":
    case "baking":
    case "promoting":
    case "rolling_back":
      return "in_progress";
    case "retaining":
    case "draining":
    case "succeeded":
      return "success";
    case "rolled_back":
      return cause?.code === "operator" ? "inactive" : "failure";
    case "failed":
      return "failure";
    case "cancelled":
    case "superseded":
      return "inactive";
    case "abandoned":
      return "error";
  }
}
