/** What people and schedules ask of Teal. */
import type { CommandKind } from "../../src/deployment/command.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { CommandOrder } from "../../src/engine/engine.ts";
import { TealError } from "../../src/errors.ts";
import { keepSchedule } from "../../workers/schedules.ts";
import { ada, canary, type Laid, type World } from "../support/world.ts";
import type { Happening } from "./chaos.ts";
import type { Journal } from "./journal.ts";
import type { RedisClock } from "./redis.ts";

/** Without any canary. */
export const plainly = canary([{ kind: "weight", percent: 100 }], { holdMs: 6_000 });

/** What may be asked with a command. */
type Asked = Pick<CommandOrder, "full" | "gate" | "promoteAt" | "ifHealthy">;

type Kind<K extends Happening["kind"]> = Extract<Happening, { kind: K }>;

export class Requests {
  /** Those that somebody knows of, in the order in which they heard of them. */
  readonly deployments: { id: string; service: number }[] = [];
  readonly commands: { id: string; commandId: string }[] = [];
  private readonly world: World;
  private readonly redisClock: RedisClock;
  private readonly journal: Journal;

  constructor(world: World, redisClock: RedisClock, journal: Journal) {
    this.world = world;
    this.redisClock = redisClock;
    this.journal = journal;
  }

  async deploy(happening: Kind<"deploy">, laid: Laid): Promise<void> {
    const { version, build, strategy, whenBusy, force = false, service } = happening;
    const request = {
      taskDefinition: `${laid.target.name}:${version}`,
      ...(build !== undefined && { build }),
    };
    try {
      const id = await this.world.start(laid, request, { strategy, whenBusy, force });
      this.deployments.push({ id, service });
    } catch (error) {
      this.journal.note(refusal(error, ["busy", "stale-build"]));
    }
  }

  /** Of the first deployment of the service. */
  async redeploy({ service, whenBusy }: Kind<"redeploy">, { target }: Laid): Promise<void> {
    const first = this.deployments.find((known) => known.service === service)?.id;
    if (first === undefined) return;
    try {
      const order = { target, strategy: plainly, actor: ada, whenBusy };
      const { kind, deployment } = await this.world.engine.redeploy(first, order);
      this.journal.note(`redeploy: ${kind} ${deployment.id}`);
      if (kind === "started") this.deployments.push({ id: deployment.id, service });
    } catch (error) {
      this.journal.note(`redeploy: ${refusal(error, ["busy", "command-refused", "unknown-deployment"])}`);
    }
  }

  /** Asked of the latest deployment of a service. */
  async command(service: number, kind: CommandKind, order: Asked = {}): Promise<void> {
    const id = this.latestOf(service);
    if (id) await this.ask(id, kind, order);
  }

  async promoteLater({ service, ms, full, ifHealthy }: Kind<"appointment">): Promise<void> {
    await this.command(service, "promote", { full, ifHealthy, promoteAt: this.redisClock.now() + ms });
  }

  async promoteBySchedule({ full, ifHealthy }: Kind<"schedule">, { target }: Laid): Promise<void> {
    const { engine, records, shared, calendar } = this.world;
    const asks = { kind: "promote" as const, full, ifHealthy };
    const schedule = { name: "daily", service: target.name, cron: "0 9 * * *", timezone: "UTC", asks };
    const configured = { target, strategy: plainly, strategies: {}, whenBusy: "queue" as const, calendar };
    const { what } = await keepSchedule(schedule, this.redisClock.now(), {
      engine,
      records,
      clock: shared,
      schedules: () => [schedule],
      services: () => ({ [target.name]: configured }),
    });
    this.journal.note(what);
  }

  async ask(id: string, kind: CommandKind, order: Asked = {}): Promise<void> {
    if (!(await this.world.records.load(id))) return;
    const { full = false, gate, promoteAt, ifHealthy } = order;
    const more = {
      full,
      ...(gate !== undefined && { gate }),
      ...(promoteAt !== undefined && { promoteAt }),
      ...(ifHealthy !== undefined && { ifHealthy }),
      ...(kind === "answer" ? { attempt: 1, answer: { status: "SUCCEEDED" as const } } : { reason: "chaos" }),
    };
    const { id: commandId } = await this.world.engine.ask(id, { kind, actor: ada, ...more });
    this.commands.push({ id, commandId });
  }

  latestOf(service: number): string | undefined {
    return this.deployments.findLast((known) => known.service === service)?.id;
  }

  /** Of deployments that came into being without being asked for here. */
  hearOf(deployments: Deployment[]): void {
    for (const { id } of deployments) {
      if (!this.deployments.some((known) => known.id === id)) this.deployments.push({ id, service: 0 });
    }
  }
}

/** The code of what Teal may refuse in the ordinary course of things; rethrows anything else. */
function refusal(error: unknown, usual: string[]): string {
  if (error instanceof TealError && usual.includes(error.code)) return error.code;
  throw error;
}
