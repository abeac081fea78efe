/**
 * The SDK's clients without what makes their calls slow: a command goes to the sandbox as it is, and its answer
 * comes back as it is. Nothing is serialised, signed, routed or parsed; what is set on a command itself, such as
 * the guard before an effect, still runs. So the adapters are the real ones, and only the SDK under them is left
 * out. Runs must be the same in every word: `test/simulation/simulation.test.ts` compares some.
 */
import { type Clients, createClients } from "../../src/aws/clients.ts";
import type { AwsError } from "../../sandbox/model/error.ts";
import type { Direct, DirectCall } from "../../sandbox/wire/direct.ts";

/** Clients that send through `direct`. */
export function directClients(direct: Direct): Clients {
  const ecs = perRegion((region) => sendingTo(direct, { service: "ecs", region }, real.ecsReader(region)));
  const elb = perRegion((region) =>
    sendingTo(direct, { service: "elasticloadbalancing", region }, real.elbReader(region)),
  );
  const cloudWatch = perRegion((region) =>
    sendingTo(direct, { service: "monitoring", region }, real.cloudWatchReader(region)),
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
const real = createClients({ credentials: { accessKeyId: "test", secretAccessKey: "test" } });

function perRegion<C>(make: (region: string) => C): (region: string) => C {
  const made = new Map<string, C>();
  return (region) => {
    const client = made.get(region) ?? make(region);
    made.set(region, client);
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

function sendingTo<C extends object>(
  direct: Direct,
  to: Pick<DirectCall, "service" | "region">,
  client: C,
): C {
  const send = async (command: Sent, options: { abortSignal?: AbortSignal } = {}): Promise<object> => {
    const action = command.constructor.name.slice(0, -"Command".length);
    const last: Handler = async ({ input }) => {
      const answer = await direct({ ...to, action, params: input }, options);
      const { requestId } = answer;
      if ("error" in answer) throw asThrown(answer.error, requestId);
      return { output: { ...answer.result, $metadata: { httpStatusCode: 200, requestId } } };
    };
    return (await command.middlewareStack.resolve(last, {})({ input: command.input })).output;
  };
  return Object.assign(Object.create(client) as C, { send });
}

/** As the SDK throws what a service refused. */
function asThrown({ code, message, status, fault }: AwsError, requestId: string): Error {
  const $metadata = { httpStatusCode: status, requestId };
  return Object.assign(new Error(message), { name: code, $fault: fault, $metadata });
}
