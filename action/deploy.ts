/** The step: asks for the deployment, tells what happens, and ends as it does. */
import type { DeploymentView, EventView } from "../src/api/contract.ts";
import { failuresOf, untilDecided } from "../src/client/decided.ts";
import { follow } from "../src/client/follow.ts";
import type { Order } from "./inputs.ts";
import { Refusal } from "./refusal.ts";
import { ending, mark, summaryOf } from "./summary.ts";
import type { Teal } from "./teal.ts";
import type { Workflow } from "./workflow.ts";

export interface Step {
  teal: Teal;
  workflow: Workflow;
  order: Order;
  patienceMs: number;
  /** Fires when the job is cancelled, and when the step's time is over. */
  signal: AbortSignal;
}

/** Whether the step ends well. Throws Refusal where there is no deployment, and the signal's reason. */
export async function deploy({ teal, workflow, order, patienceMs, signal }: Step): Promise<boolean> {
  const accepted = await teal.deploy(order.body, order.key);
  const { id, service } = accepted;
  workflow.keep("deployment", id);
  workflow.output("deployment", id);
  workflow.say(`Deployment ${id} of ${service}`);
  if (!order.wait) {
    conclude(workflow, accepted, []);
    return true;
  }
  const events: EventView[] = [];
  const told = new Set<string>();
  const history = follow(teal.history(id), { patienceMs, signal });
  for await (const { event, now } of untilDecided(history, () => teal.look(id))) {
    events.push(event);
    tell(workflow, event);
    if (now) tellApprovals(workflow, now, told);
  }
  workflow.endGroup();
  const last = await teal.look(id);
  workflow.keep("decided", "true");
  conclude(workflow, last, events);
  return last.outcome === "success";
}

/** Each phase is a part of the log by itself, folded when it is over. */
function tell(workflow: Workflow, event: EventView): void {
  const time = event.at.slice(11, 19);
  if (event.to === undefined) workflow.say(`${time}  ${event.message}`);
  else workflow.group(`${time}  ${event.to.replace("_", " ")}: ${event.message}`);
}

/** So that nobody wonders why the job stands still. */
function tellApprovals(workflow: Workflow, d: DeploymentView, told: Set<string>): void {
  for (const { id, kind, state, approval } of d.gates) {
    if (kind !== "approval" || state !== "current" || told.has(id)) continue;
    told.add(id);
    const by = approval?.by ? `by ${approval.by.join(" or ")}` : "by whoever may";
    workflow.notice(`${d.service} waits for an approval`, `${id}, ${by}: teal approve ${d.id} ${id}`);
  }
}

function conclude(workflow: Workflow, d: DeploymentView, events: readonly EventView[]): void {
  workflow.output("phase", d.phase);
  workflow.output("outcome", d.outcome);
  workflow.summary(summaryOf(d, events));
  const said = `${d.service}: ${ending(d)}`;
  if (d.outcome !== "failure") {
    workflow.say(`${mark(d)} ${said}`);
    return;
  }
  const lines = failuresOf(d).map(({ message, fix }) => `${message}${fix === undefined ? "" : `\n→ ${fix}`}`);
  workflow.error(said, lines.join("\n") || d.note);
}

/** Why the step ends without a deployment's result. */
export function tellRefusal(workflow: Workflow, error: Refusal): void {
  workflow.endGroup();
  workflow.error("Teal", `${error.message}${error.fix === undefined ? "" : `\n→ ${error.fix}`}`);
}
