/** From the body of a request to an order for the engine: names resolved by the configuration, all errors at once. */
import type { Config } from "../config/config.ts";
import type { ConfiguredService } from "../config/configured.ts";
import { misfitOf } from "../config/misfit.ts";
import { arnPattern } from "../config/words.ts";
import type { Strategy } from "../deployment/strategy.ts";
import { accountIdOf } from "../deployment/target.ts";
import { type Problem, TealError } from "../errors.ts";
import type { z } from "zod";
import type { DeploymentView, deployRequest } from "./contract.ts";
import type { ApiParts, Intake } from "./parts.ts";
import { summary } from "./problems.ts";
import { viewOf } from "./view.ts";

type Order = Parameters<Intake["start"]>[0];

const namedMax = 20;

/** Throws TealError: unknown-service, unknown-strategy, bad-request. */
export function orderOf(
  config: Pick<Config, "services" | "strategies">,
  body: z.output<typeof deployRequest>,
): Omit<Order, "actor" | "idempotencyKey"> {
  const problems: Problem[] = [];
  const service = find(config.services, body.service);
  if (!service) {
    problems.push({
      code: "unknown-service",
      path: "service",
      message: noSuch(body.service, config.services),
    });
  }
  const strategies = service?.strategies ?? config.strategies;
  const strategy = body.strategy === undefined ? service?.strategy : find(strategies, body.strategy);
  if (body.strategy !== undefined && !strategy) {
    const message = `there is no strategy ${body.strategy}; there are ${some(config.strategies)}`;
    problems.push({ code: "unknown-strategy", path: "strategy", message });
  }
  if (service && strategy) problems.push(...misfits(service, strategy, body.taskDefinition));
  const [first] = problems;
  if (first || !service || !strategy) {
    throw new TealError(first?.code ?? "bad-request", summary(problems), { problems });
  }
  return {
    target: service.target,
    strategy,
    whenBusy: body.whenBusy ?? service.whenBusy,
    ...(body.force && { force: true }),
    request: {
      ...(body.taskDefinition !== undefined && { taskDefinition: body.taskDefinition }),
      ...(body.images && { images: body.images }),
      ...(body.taskSet && { taskSet: body.taskSet }),
      ...buildOf(body),
      ...(body.reason !== undefined && { reason: body.reason }),
    },
  };
}

/** Seconds grow as builds do, and stay exact in any number. */
function buildOf({ build, committedAt }: z.output<typeof deployRequest>): { build?: number } {
  if (build !== undefined) return { build };
  return committedAt === undefined ? {} : { build: Math.floor(Date.parse(committedAt) / 1000) };
}

/** Throws TealError('unknown-service'). */
export function serviceNamed({ services }: Pick<Config, "services">, name: string): ConfiguredService {
  const service = find(services, name);
  if (!service) throw new TealError("unknown-service", `${noSuch(name, services)}.`);
  return service;
}

/** Hands the order to the engine; 201 with the new deployment, 200 with that of the same request before. */
export async function start(
  parts: ApiParts,
  order: Order,
): Promise<{ status: 200 | 201; view: DeploymentView }> {
  const { deployment, existing } = await parts.engine.start(order);
  parts.log.info(
    { deploymentId: deployment.id, service: deployment.service, actor: order.actor.name, existing },
    existing ? "answered with an earlier deployment of the same request" : "accepted a deployment",
  );
  return { status: existing ? 200 : 201, view: viewOf(deployment, parts.clock.now()) };
}

function misfits(service: ConfiguredService, strategy: Strategy, taskDefinition?: string): Problem[] {
  const problems: Problem[] = [];
  const misfit = misfitOf(strategy, service.target);
  if (misfit !== undefined) problems.push({ code: "bad-request", path: "strategy", message: misfit });
  const { target } = service;
  const [, , region, account] = arnPattern.exec(taskDefinition ?? "") ?? [];
  const elsewhere = (is: string, but: string) => {
    const message = `the task definition is in ${is}, but service ${target.name} is in ${but}`;
    problems.push({ code: "bad-request", path: "taskDefinition", message });
  };
  if (region && region !== target.region) elsewhere(`region ${region}`, target.region);
  const its = accountIdOf(target);
  if (account && its && account !== its) elsewhere(`account ${account}`, its);
  return problems;
}

function noSuch(name: string, services: Config["services"]): string {
  return `teal.yaml has no service ${name}; it has ${some(services)}`;
}

function find<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function some(table: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(table);
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : "";
  return names.length === 0 ? "none" : `${names.slice(0, namedMax).join(", ")}${more}`;
}
