/** AWS for the engine: looks and effects through the SDK. The only place that puts the parts of this room together. */
import type { Look, Reading, Seen } from "../deployment/observation.ts";
import { routesOf, type ServiceTarget } from "../deployment/target.ts";
import type { Clock, Cloud } from "../engine/ports.ts";
import { readHealth, readRoute, readSurvey } from "./balancers.ts";
import { callsUntil, realAfter, type CallLog, type Calling } from "./call.ts";
import { createClients, type ClientOptions } from "./clients.ts";
import { faultOf } from "./faults.ts";
import { perform } from "./perform.ts";
import { createServiceReader } from "./services.ts";
import { readRegistered, readTaskDefinition } from "./task-definitions.ts";
import { readTasks } from "./tasks.ts";

export interface CloudOptions extends ClientOptions {
  /**
   * How long a look waits for others that read services of the same cluster, so that they share a call; 5 ms of
   * real time where left out. 0 waits for no timer: give it in stepped time.
   */
  gatherMs?: number;
  /** Timers that go with `clock`, for the deadlines of calls; real ones where left out. */
  after?: Calling["after"];
  log?: CallLog;
}

/** A `Cloud` that holds connections until it is closed. */
export interface AwsCloud extends Cloud {
  close(): void;
}

export function createCloud(options: CloudOptions): AwsCloud {
  const { clock, gatherMs = 5 } = options;
  const calling = { clock, after: options.after ?? realAfter, log: options.log };
  const clients = createClients(options);
  const readService = createServiceReader({ clients, calling, gatherMs });

  async function look(
    target: ServiceTarget,
    asked: Look,
    deadline: number,
  ): Promise<Omit<Seen, "slot" | "outcome">> {
    const call = callsUntil(calling, deadline);
    const ecs = clients.ecsReader(target);
    const balancers = { elb: clients.elbReader(target), call };
    const service = asked.service || asked.tasks.length > 0 ? readService(target, deadline) : undefined;
    const { taskDefinition, registered } = asked;

    const [serviceSeen, routes, health, tasks, definitionSeen, registeredSeen, survey] = await Promise.all([
      asked.service && service ? reading(clock, "ecs:DescribeServices", () => service) : undefined,
      eachReading(
        clock,
        "elasticloadbalancing:DescribeRules",
        asked.routes ? routesOf(target) : [],
        (ref) => ({
          key: ref.arn,
          read: () => readRoute(balancers, ref, target.targetGroups),
        }),
      ),
      eachReading(clock, "elasticloadbalancing:DescribeTargetHealth", asked.health, (arn) => ({
        key: arn,
        read: () => readHealth(balancers, arn),
      })),
      asked.tasks.length > 0 && service
        ? reading(clock, "ecs:ListTasks", async () =>
            readTasks(ecs, call, {
              cluster: target.cluster,
              service: target.service,
              startedBy: asked.tasks,
              seen: await service,
            }),
          )
        : undefined,
      taskDefinition === undefined
        ? undefined
        : reading(clock, "ecs:DescribeTaskDefinition", () => readTaskDefinition(ecs, call, taskDefinition)),
      registered && reading(clock, "ecs:ListTaskDefinitions", () => readRegistered(ecs, call, registered)),
      asked.survey
        ? reading(clock, "elasticloadbalancing:DescribeTargetGroups", () =>
            readSurvey(balancers, target.targetGroups, routesOf(target)),
          )
        : undefined,
    ]);
    return {
      routes,
      health,
      ...(serviceSeen && { service: serviceSeen }),
      ...(tasks && { tasks }),
      ...(definitionSeen && { taskDefinition: definitionSeen }),
      ...(registeredSeen && { registered: registeredSeen }),
      ...(survey && { survey }),
    };
  }

  return {
    look,
    perform: (target, effect, guard) => perform({ clients, calling }, target, effect, guard),
    close: () => clients.close(),
  };
}

/** One thing read. Its time is the moment of asking: what it says is never older than that. */
async function reading<T>(clock: Clock, action: string, read: () => Promise<T>): Promise<Reading<T>> {
  const at = clock.now();
  try {
    return { ok: true, value: await read(), at };
  } catch (error) {
    return { ok: false, fault: faultOf(error, action), at };
  }
}

async function eachReading<A, T>(
  clock: Clock,
  action: string,
  asked: readonly A[],
  how: (one: A) => { key: string; read: () => Promise<T> },
): Promise<Record<string, Reading<T>>> {
  const entries = await Promise.all(
    asked.map(async (one) => {
      const { key, read } = how(one);
      return [key, await reading(clock, action, read)] as const;
    }),
  );
  return Object.fromEntries(entries);
}
