/** The step of the GitHub Action. The runner's Node runs it as it is: no packages, types that can be left out. */
import { createCredentials } from "./credentials.ts";
import { deploy, tellRefusal } from "./deploy.ts";
import { readInputs, readOrder } from "./inputs.ts";
import { Refusal } from "./refusal.ts";
import { createTeal } from "./teal.ts";
import { createWorkflow } from "./workflow.ts";

const workflow = createWorkflow(process.env, (text) => process.stdout.write(text));
const cancelled = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => cancelled.abort());

/** Whether the step ends well. */
async function main(): Promise<boolean> {
  const inputs = readInputs(process.env);
  const order = readOrder(process.env);
  const overdue = new AbortController();
  const timer = setTimeout(() => overdue.abort(), order.timeoutMs);
  const signal = AbortSignal.any([cancelled.signal, overdue.signal]);
  try {
    const credentials = createCredentials(process.env, inputs, workflow);
    const onTrouble = (message: string) => workflow.say(`${message} Trying again.`);
    const teal = createTeal({ ...inputs, credentials, signal, onTrouble });
    return await deploy({ ...inputs, teal, workflow, order, signal });
  } catch (error) {
    if (cancelled.signal.aborted) {
      const then =
        inputs.onCancel === "leave" ? "a deployment that was accepted goes on" : "it is rolled back";
      throw new Refusal(`The job was cancelled; ${then}.`);
    }
    if (overdue.signal.aborted) {
      throw new Refusal("The deployment goes on for longer than the input timeout.", {
        fix: "Look at it with `teal status`; for long canaries set wait: false, or a longer timeout.",
      });
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  const known = error instanceof Refusal ? error : new Refusal(`The action itself failed: ${String(error)}`);
  tellRefusal(workflow, known);
}
