/** Puts something into a deployment's inbox and, where wished, waits for its answer among its events. */
import type { FastifyReply } from "fastify";
import type { CommandKind } from "../deployment/command.ts";
import type { DeploymentEvent } from "../deployment/event.ts";
import type { Deployment } from "../deployment/record.ts";
import type { CommandOrder } from "../engine/engine.ts";
import { TealError } from "../errors.ts";
import { createBell } from "./bell.ts";
import { commandAnswer, type CommandAnswer } from "./contract.ts";
import type { ApiParts } from "./parts.ts";

const pageSize = 100;
/** How often the history is read while an answer is awaited and no hint comes. */
const pollMs = 500;

type Answered = Extract<DeploymentEvent, { type: "command" }>;

/** The answers that a route which asks so can give. */
export const answerSchemas = {
  200: commandAnswer.describe("It was obeyed."),
  202: commandAnswer.describe("It was kept; the deployment has not answered yet."),
};

export interface Question {
  order: Omit<CommandOrder, "commandId">;
  /** A repetition with the same key is answered as the first one was, also where it would no longer fit. */
  key: string | undefined;
  /** How long to wait for the answer. */
  waitMs: number;
}

/**
 * Replies with the deployment's answer, or that there is none yet. Throws TealError: command-refused, unavailable.
 * @param before the deployment as it was just read
 * @param misfit why it can't be obeyed now, as far as the record tells; asked for a new command only
 */
export async function askAndReply(
  parts: ApiParts,
  before: Deployment,
  { order, key, waitMs }: Question,
  misfit: () => string | undefined,
  reply: FastifyReply,
): Promise<CommandAnswer> {
  const { engine, records, clock } = parts;
  const { id } = before;
  const earlier = key === undefined ? undefined : await answerIn(key, 0);
  if (earlier) return told(id, order.kind, earlier);
  const reason = misfit();
  if (reason) throw new TealError("command-refused", reason);

  const bell = createBell();
  const unsubscribe =
    waitMs > 0 ? await records.subscribe((changed) => changed === id && bell.ring()) : async () => {};
  try {
    const command = await engine.ask(id, { ...order, ...(key !== undefined && { commandId: key }) });
    parts.log.info({ deploymentId: id, command: order.kind, commandId: command.id }, "accepted a command");

    const deadline = clock.now() + waitMs;
    for (let leftMs = waitMs; leftMs > 0 && !reply.raw.destroyed; leftMs = deadline - clock.now()) {
      const answer = await answerIn(command.id, before.events);
      if (answer) return told(id, order.kind, answer);
      await bell.wait(Math.min(leftMs, pollMs));
    }
    void reply.code(202);
    const message = `${id} has not answered yet; its answer will be among its events`;
    return { deployment: id, commandId: command.id, command: order.kind, state: "pending", message };
  } finally {
    await unsubscribe();
  }

  /** The answer to a command among the events from `from` on. */
  async function answerIn(commandId: string, from: number): Promise<Answered | undefined> {
    for (let next = from; ;) {
      const found = await records.events(id, next, pageSize);
      const answer = found.find(
        (event): event is Answered => event.type === "command" && event.commandId === commandId,
      );
      const last = found.at(-1);
      if (answer || !last || found.length < pageSize) return answer;
      next = last.seq + 1;
    }
  }
}

function told(id: string, command: CommandKind, answer: Answered): CommandAnswer {
  const message = saidIn(answer);
  if (!answer.obeyed) throw new TealError("command-refused", message);
  return {
    deployment: id,
    commandId: answer.commandId,
    command,
    state: "obeyed",
    message,
    ...(answer.deployment && { started: answer.deployment }),
  };
}

/** The history's line begins with who asked for what, which whoever asked knows. */
function saidIn({ message, actor, command }: Answered): string {
  const asked = `${actor.name} asked for ${command}: `;
  return message.startsWith(asked) ? message.slice(asked.length) : message;
}
