/** After a job that was cancelled: rolls back, where that is wished, what the step did not see decided. */
import { createCredentials } from "./credentials.ts";
import { tellRefusal } from "./deploy.ts";
import { readInputs } from "./inputs.ts";
import { Refusal } from "./refusal.ts";
import { createTeal } from "./teal.ts";
import { createWorkflow } from "./workflow.ts";

const workflow = createWorkflow(process.env, (text) => process.stdout.write(text));
/** The runner itself waits no longer. */
const withinMs = 4 * 60_000;

async function main(): Promise<void> {
  const id = process.env["STATE_deployment"];
  if (!id || process.env["STATE_decided"] === "true") return;
  const inputs = readInputs(process.env);
  if (inputs.onCancel === "leave") {
    workflow.say(`Deployment ${id} goes on. To turn it back: teal rollback ${id}`);
    return;
  }
  const teal = createTeal({
    ...inputs,
    credentials: createCredentials(process.env, inputs, workflow),
    signal: AbortSignal.timeout(withinMs),
    onTrouble: (message) => workflow.say(`${message} Trying again.`),
  });
  const said = await teal.rollback(id, "the job that started it was cancelled", `github-cancel-${id}`);
  workflow.notice(`Deployment ${id} is rolled back`, said);
}

try {
  await main();
} catch (error) {
  process.exitCode = 1;
  const known = error instanceof Refusal ? error : new Refusal(`The action itself failed: ${String(error)}`);
  tellRefusal(workflow, known);
}
