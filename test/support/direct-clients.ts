/**
 * The SDK's clients without what makes their calls slow: a command goes to the sandbox as it is, and its answer
 * comes back as it is. Nothing is serialised, signed, routed or parsed; what is set on a command itself, such as
 * the guard before an effect, still runs. So the adapters are the real ones, and only the SDK under them is left
 * out. Runs must be the same in every word: `test/simulation/simulation.test.ts` compares some.
 */
import { type Clients, createClients, type Place, placeKey } from "../../src/aws/clients.ts";
import type { AwsError } from "../../sandbox/model/error.ts";
import type { Direct, DirectCall } from "../../sandbox/wire/direct.ts";

/** Clients that send through `direct`. */
export function directClients(direct: Direct): Clients {
  const ecs = perPlace((at) => sendingTo(direct, { service: "ecs", ...at }, real.ecsReader(nowhere)));
  const elb = perPlace((at) =>
    sendingTo(direct, { service: "elasticloadbalancing", ...at }, real.elbReader(nowhere)),
  );
  const cloudWatch = perPlace((at) =>
    sendingTo(direct, { service: "monitoring", ...at }, real.cloudWatchReader(nowhere)),
  );
  return {
    ecsReader: ecs,
    ecsWriter: ecs,
    ecsOnce: ecs,
    elbReader: elb,
    elbWriter: elb,
    cloudWatchReader: cloudWatch,
    close: () => {},
  };
}

/** They are only what the ones above are made of; nothing is sent through them. */
const real = createClients({
  clock: { now: () => 0 },
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
const nowhere: Place = { region: "us-east-1" };

type To = Pick<DirectCall, "service" | "region" | "credential">;

/** A role is not assumed: its account is named. */
function perPlace<C>(make: (at: Omit<To, "service">) => C): (at: Place) => C {
  const made = new Map<string, C>();
  return (at) => {
    const [, account] = /^arn:aws:iam::(\d{12}):/.exec(at.account?.roleArn ?? "") ?? [];
    const to = { region: at.region, ...(account && { credential: { accessKeyId: account } }) };
    const client = made.get(placeKey(at)) ?? make(to);
    made.set(placeKey(at), client);
    return client;
  };
}

/** What is used of any command of the SDK. */
interface Sent {
  input: object;
  middlewareStack: {
    resolve(handler: (args: { input: object }) => Promise<{ output: object }>, context: object): Handler;
  };
}
type Handler = (args: { input: object }) => Promise<{ output: object }>;

function sendingTo<C extends object>(direct: Direct, to: To, client: C): C {
  // Nobody waits any longer for a call that was told to stop, so it isn't: listening for that takes its time.
  const send = async (command: Sent): Promise<object> => {
    const action = command.constructor.name.slice(0, -"Command".length);
    const last: Handler = async ({ input }) => {
      const answer = await direct({ ...to, action, params: input });
      const { requestId } = answer;
      if ("error" in answer) throw asThrown(answer.error, requestId);
      return { output: { ...answer.result, $metadata: { httpStatusCode: 200, requestId } } };
    };
    const handler = isRead(action) ? last : command.middlewareStack.resolve(last, {});
    return (await handler({ input: command.input })).output;
  };
  return Object.assign(Object.create(client) as C, { send });
}

/** Nothing is ever set on a command that only reads. */
function isRead(action: string): boolean {
  return action.startsWith("Describe") || action.startsWith("List");
}

/** As the SDK throws what a service refused. */
function asThrown({ code, message, status, fault }: AwsError, requestId: string): Error {
  const $metadata = { httpStatusCode: status, requestId };
  return Object.assign(new Error(message), { name: code, $fault: fault, $metadata });
}
