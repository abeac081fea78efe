/**
 * A whole world in one process and in stepped time: the sandbox's AWS behind the real SDK adapters, the real
 * engine, records in memory. No sockets, no timers: nothing happens but by `run` and `until`.
 */
import type { ClientOptions } from "../../src/aws/clients.ts";
import { type CloudOptions, createCloud } from "../../src/aws/cloud.ts";
import { createMetrics, type Metrics } from "../../src/aws/metrics.ts";
import type { CommandKind } from "../../src/deployment/command.ts";
import { type Decide, decide as decideByTheRules } from "../../src/deployment/decide.ts";
import type { Decision } from "../../src/deployment/decision.ts";
import type { DeploymentEvent } from "../../src/deployment/event.ts";
import { isTerminal, type Phase } from "../../src/deployment/phases.ts";
import type { Actor, Deployment, DeployRequest } from "../../src/deployment/record.ts";
import { type Step, type Strategy, strategyDefaults } from "../../src/deployment/strategy.ts";
import type { RouteRef, ServiceTarget } from "../../src/deployment/target.ts";
import { type CommandOrder, createEngine, type Engine, type Order } from "../../src/engine/engine.ts";
import type { Clock, Cloud, Hooks, Records } from "../../src/engine/ports.ts";
import type { Direct } from "../../sandbox/wire/direct.ts";
import type { InProcessHandler } from "../../sandbox/wire/handler.ts";
import { SteppedClock } from "../../sandbox/clock.ts";
import type { ActionInput } from "../../sandbox/model/elb/shapes.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import { type LocalAws, startAws } from "../../sandbox/start.ts";
import type { Flow } from "../../sandbox/traffic/steady.ts";
import { lookingBy } from "./clocks.ts";
import { directClients } from "./direct-clients.ts";
import { createMemoryRecords, type MemoryRecords } from "./memory-records.ts";
import { closuresAt, type Calendar, type Closed } from "../../src/deployment/calendar.ts";
import { Outside } from "./outside.ts";
import { silent } from "./silent.ts";

export const region = "eu-west-1";
export const ada: Actor = { kind: "operator", name: "ada" };

/** As the real HTTP client has it: one attempt gives up by then. */
const callTimeoutMs = 6_000;

export const quick: Partial<Settings> = {
  taskStartMs: 2_000,
  taskStopMs: 500,
  schedulerDelayMs: 250,
  steadyDelayMs: 500,
  healthCheckIntervalMs: 500,
  deregistrationDelayMs: 2_000,
  propagationMs: 1_000,
};

export function canary(steps: Step[], more: Partial<Strategy> = {}): Strategy {
  return { name: "canary", ...strategyDefaults, holdMs: 5_000, steps, ...more };
}

export const careful = canary([
  { kind: "weight", percent: 10 },
  { kind: "pause", ms: 5_000 },
  { kind: "weight", percent: 50 },
  { kind: "weight", percent: 100 },
]);

/** A decision that was written down. */
export interface Commit {
  id: string;
  decision: Decision;
  /** By the clock of the world. */
  at: number;
  /** When it was decided, by the clock of the world: a worker may have stood still since. */
  decidedAt: number;
  /** Why its service was closed then. */
  closed: Closed[];
  /** How much the clock was ahead of that by which it was decided. */
  aheadMs: number;
  /** Somebody else had claimed the deployment meanwhile. */
  stale: boolean;
}

type Forward = { TargetGroupArn: string; Weight: number }[];

/** A service behind a listener's default action and, where wished, a rule. */
export interface Laid {
  target: ServiceTarget;
  groups: [string, string];
  listener: string;
  /** Of a network load balancer, which has no rules, another listener. */
  rule: string;
  /** Where one was asked for: requests with the header `x-test: 1` take it. */
  testRule?: string;
  loadBalancer: string;
}

export interface WorldOptions {
  seed?: number;
  settings?: Partial<Settings>;
  /** Wraps the adapter, for faults between the engine and AWS. */
  wrap?: (cloud: Cloud, local: LocalAws) => Cloud;
  /** Instead of the real state machine. */
  decide?: Decide;
  clock?: SteppedClock;
  /** What Teal takes for the time; by default the clock of the world. */
  shared?: Clock;
  /** Checks, or those of traffic alone, are measured at the sandbox's CloudWatch, rather than as `outside` says. */
  metrics?: boolean | "traffic";
  /** Records that are not what they should be. */
  records?: (records: MemoryRecords) => Records;
  /** Whether calls go over AWS's protocols, as the SDK speaks them, or past them; the former where left out. */
  wire?: "sdk" | "direct";
}

/** Stands between a worker and everything it calls. */
export interface Gates {
  records(records: Records): Records;
  cloud(cloud: Cloud): Cloud;
  hooks(hooks: Hooks): Hooks;
  /** What carries its effects to AWS, and reads for them; looks are shared by all workers. */
  handler(handler: InProcessHandler): InProcessHandler;
  direct(direct: Direct): Direct;
  /** What this worker takes for the time. */
  clock?: Clock;
}

/** A signature costs more than the rest of a call; the sandbox looks at its scope only. */
const unsigned: NonNullable<ClientOptions["signer"]> = (scope, region) => ({
  sign: async (request) => {
    request.headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=test/20260601/${region}/${scope}/aws4_request`;
    return request;
  },
});

export class World {
  readonly clock: SteppedClock;
  /** What Teal takes for the time. */
  readonly shared: Clock;
  readonly local: LocalAws;
  readonly records: MemoryRecords = createMemoryRecords();
  readonly engine: Engine;
  readonly cloud: Cloud;
  /** Numbers for checks and systems that answer hooks. */
  readonly outside: Outside;
  /** Deployments that were woken; here all of them have their turns when they are due, woken or not. */
  readonly woken: string[] = [];
  /** Windows and freezes, as a test sets them. */
  calendar: Calendar = { windows: [], freezes: [] };
  /** Why a service is closed; by the calendar, where nobody says otherwise. */
  closed: (service: string, now: number) => Closed[] = (service, now) =>
    closuresAt(this.calendar, service, now);
  private readonly options: WorldOptions;
  private readonly metrics: Metrics | undefined;
  /** The latest claims. */
  private readonly epochs = new Map<string, number>();
  private readonly decided = new WeakMap<Decision, { decidedAt: number; closed: Closed[] }>();
  private readonly commitEars = new Set<(commit: Commit) => void>();
  private ids = 0;
  /** Requests that the wire has not answered yet. */
  private inFlight = 0;

  constructor(options: WorldOptions = {}) {
    const { seed = 1, settings = {}, wrap = (cloud: Cloud) => cloud } = options;
    this.options = options;
    this.clock = options.clock ?? new SteppedClock(Date.UTC(2026, 5, 1, 12));
    this.outside = new Outside(this.clock);
    this.local = startAws({ clock: this.clock, seed, settings: { ...quick, ...settings } });
    const line = this.line(this.clock);
    this.cloud = wrap(createCloud(line), this.local);
    this.metrics = options.metrics ? createMetrics(line) : undefined;
    this.shared = options.shared ?? this.clock;
    const own = options.shared ? wrap(createCloud(this.line(this.shared)), this.local) : this.cloud;
    const cloud: Cloud = {
      look: lookingBy(this.shared, this.clock, (...asked) => this.cloud.look(...asked)),
      perform: (...asked) => own.perform(...asked),
    };
    this.engine = this.engineOn(this.told(), cloud, this.outside, this.shared);
  }

  /** The engine of one more worker, behind gates. */
  worker(gates: Gates): Engine {
    const own = createCloud(this.line(gates.clock ?? this.clock, gates));
    const cloud: Cloud = {
      look: lookingBy(gates.clock ?? this.clock, this.clock, (...asked) => this.cloud.look(...asked)),
      perform: (target, effect, guard) => own.perform(target, effect, guard),
    };
    const { clock = this.clock } = gates;
    return this.engineOn(gates.records(this.told()), gates.cloud(cloud), gates.hooks(this.outside), clock);
  }

  /** The way to AWS. */
  private line(clock: Clock, gates?: Gates): CloudOptions {
    const time = {
      clock,
      gatherMs: 0,
      after: (ms: number, fn: () => void) => this.clock.after(ms, fn),
    };
    if (this.options.wire === "direct") {
      const direct = this.counted(this.local.direct(callTimeoutMs));
      return { ...time, clients: directClients(gates ? gates.direct(direct) : direct) };
    }
    const handler = this.local.handler(callTimeoutMs);
    const handle = this.counted((...given: Parameters<InProcessHandler["handle"]>) =>
      handler.handle(...given),
    );
    const counted = { ...handler, handle };
    return {
      ...time,
      requestHandler: gates ? gates.handler(counted) : counted,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      signer: unsigned,
      maxAttempts: 1,
    };
  }

  /** The records; whoever listens hears what is committed. */
  private told(): Records {
    const records = this.options.records?.(this.records) ?? this.records;
    return {
      ...records,
      claim: async (id) => {
        const claimed = await records.claim(id);
        if (claimed) this.epochs.set(id, claimed.claim.epoch);
        return claimed;
      },
      commit: async (claimed, decision, now) => {
        const result = await records.commit(claimed, decision, now);
        if (result.kind === "committed") {
          const at = this.clock.now();
          const { decidedAt, closed } = this.decided.get(decision) ?? { decidedAt: at, closed: [] };
          const { id, epoch } = claimed.claim;
          const stale = epoch < (this.epochs.get(id) ?? 0);
          for (const ear of this.commitEars)
            ear({ id, decision, at, decidedAt, closed, aheadMs: now - decidedAt, stale });
        }
        return result;
      },
    };
  }

  private engineOn(records: Records, cloud: Cloud, hooks: Hooks, clock: Clock): Engine {
    const { metrics } = this;
    const { metrics: asked } = this.options;
    const { decide = decideByTheRules } = this.options;
    return createEngine({
      records,
      wakes: { wake: async (id) => void this.woken.push(id) },
      cloud,
      gauge: {
        measure: (target, ask, deadline) =>
          metrics &&
          (ask.kind === "traffic" ||
            (asked !== "traffic" && (ask.kind === "alarms" || ask.kind === "cloudwatch")))
            ? metrics.measure(target, ask, deadline)
            : this.outside.measure(target, ask),
      },
      hooks,
      closed: (service, now) => this.closed(service, now),
      clock,
      random: () => (this.ids++).toString(16).padStart(16, "0").split("").reverse().join(""),
      log: silent,
      decide: (before, seen, commands, now) => {
        const decision = decide(before, seen, commands, now);
        const closed = this.closed(before.service, now);
        this.decided.set(decision, { decidedAt: this.clock.now(), closed });
        return decision;
      },
    });
  }

  /** Whether AWS still owes an answer. */
  get busy(): boolean {
    return this.inFlight > 0;
  }

  get aws() {
    return this.local.aws;
  }

  /** Hears every decision as it is written down; the answer unsubscribes. */
  onCommit(ear: (commit: Commit) => void): () => void {
    this.commitEars.add(ear);
    return () => this.commitEars.delete(ear);
  }

  /** Lays out a service with its load balancer, two groups, a listener, a rule, and a running version 1. */
  lay(
    name = "checkout",
    options: {
      desired?: number;
      forward?: (groups: [string, string]) => Forward;
      /** The actions of both routes, instead of one forward; the listener then speaks HTTPS. */
      actions?: (forward: Forward, third: string) => ActionInput[];
      primary?: object | false;
      grace?: number;
      controller?: "EXTERNAL" | "ECS";
      /** A test route that leads to the first group (as production does), to the second, or to none. */
      test?: [number, number];
      /** Behind a network load balancer: two TCP listeners. */
      network?: boolean;
    } = {},
  ): Laid {
    const { aws } = this;
    const { desired = 4, primary = {}, grace = 10, controller = "EXTERNAL", network = false } = options;
    aws.ecs(region, "CreateCluster", { clusterName: "prod" });
    const balancer = aws.elb(region, "CreateLoadBalancer", {
      Name: `${name}-lb`,
      Subnets: ["subnet-1"],
      ...(network && { Type: "network" }),
    });
    const loadBalancer = need(balancer.LoadBalancers[0]?.LoadBalancerArn);
    const group = (suffix: string) =>
      need(
        aws.elb(region, "CreateTargetGroup", {
          Name: `${name}-${suffix}`,
          Protocol: network ? "TCP" : "HTTP",
          Port: 8080,
          VpcId: "vpc-1",
          TargetType: "ip",
        }).TargetGroups[0]?.TargetGroupArn,
      );
    const groups: [string, string] = [group("a"), group("b")];
    const TargetGroups = options.forward?.(groups) ?? [
      { TargetGroupArn: groups[0], Weight: 1 },
      { TargetGroupArn: groups[1], Weight: 0 },
    ];
    const forward = options.actions?.(TargetGroups, group("c")) ?? [
      { Type: "forward" as const, ForwardConfig: { TargetGroups } },
    ];
    const listener = need(
      aws.elb(region, "CreateListener", {
        LoadBalancerArn: loadBalancer,
        ...(options.actions
          ? {
              Protocol: "HTTPS",
              Port: 443,
              Certificates: [{ CertificateArn: "arn:aws:acm:eu-west-1:1:certificate/1" }],
            }
          : { Protocol: network ? "TCP" : "HTTP", Port: 80 }),
        DefaultActions: forward,
      }).Listeners[0]?.ListenerArn,
    );
    const rule = network
      ? need(
          aws.elb(region, "CreateListener", {
            LoadBalancerArn: loadBalancer,
            Protocol: "TCP",
            Port: 9000,
            DefaultActions: forward,
          }).Listeners[0]?.ListenerArn,
        )
      : need(
          aws.elb(region, "CreateRule", {
            ListenerArn: listener,
            Priority: 10,
            Conditions: [{ Field: "path-pattern", Values: ["/api/*"] }],
            Actions: forward,
          }).Rules[0]?.RuleArn,
        );
    const testRule =
      options.test &&
      need(
        aws.elb(region, "CreateRule", {
          ListenerArn: listener,
          Priority: 5,
          Conditions: [
            { Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "x-test", Values: ["1"] } },
          ],
          Actions: [
            {
              Type: "forward",
              ForwardConfig: {
                TargetGroups: groups.map((TargetGroupArn, n) => ({
                  TargetGroupArn,
                  Weight: options.test?.[n] ?? 0,
                })),
              },
            },
          ],
        }).Rules[0]?.RuleArn,
      );
    for (const version of [1, 2, 3, 4]) this.register(name, `demo/${name}:${version}`);
    aws.ecs(region, "CreateService", {
      cluster: "prod",
      serviceName: name,
      desiredCount: desired,
      deploymentController: { type: controller },
      ...(controller === "EXTERNAL"
        ? { healthCheckGracePeriodSeconds: grace }
        : { taskDefinition: `${name}:1` }),
    });
    const target: ServiceTarget = {
      name,
      region,
      cluster: "prod",
      service: name,
      targetGroups: groups,
      routes: [
        { kind: "listener", arn: listener },
        { kind: network ? "listener" : "rule", arn: rule },
      ] satisfies RouteRef[],
      ...(testRule && { testRoutes: [{ kind: "rule", arn: testRule }] satisfies RouteRef[] }),
    };
    if (primary && controller === "EXTERNAL") {
      const made = aws.ecs(region, "CreateTaskSet", {
        cluster: "prod",
        service: name,
        taskDefinition: `${name}:1`,
        launchType: "FARGATE",
        networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"] } },
        loadBalancers: [{ targetGroupArn: groups[0], containerName: "app", containerPort: 8080 }],
        scale: { unit: "PERCENT", value: 100 },
        tags: [{ key: "team", value: "shop" }],
        ...primary,
      });
      aws.ecs(region, "UpdateServicePrimaryTaskSet", {
        cluster: "prod",
        service: name,
        primaryTaskSet: need(made.taskSet.taskSetArn),
      });
      this.clock.advance(20_000);
    }
    return { target, groups, listener, rule, ...(testRule && { testRule }), loadBalancer };
  }

  /** Lets requests arrive at a listener, evenly as the clock passes, and be counted; 0 a minute ends it. */
  traffic(listenerArn: string, flow: Flow): void {
    this.local.flow(listenerArn, flow);
  }

  register(family: string, image: string): void {
    this.aws.ecs(region, "RegisterTaskDefinition", {
      family,
      networkMode: "awsvpc",
      containerDefinitions: [{ name: "app", image, portMappings: [{ containerPort: 8080 }] }],
    });
  }

  async start(
    laid: Laid,
    request: DeployRequest,
    options: { strategy?: Strategy; whenBusy?: Order["whenBusy"]; force?: boolean } = {},
  ): Promise<string> {
    const { deployment } = await this.engine.start({
      target: laid.target,
      strategy: options.strategy ?? careful,
      request,
      actor: ada,
      whenBusy: options.whenBusy ?? "reject",
      ...(options.force && { force: true }),
    });
    return deployment.id;
  }

  async ask(id: string, kind: CommandKind, more: Partial<CommandOrder> = {}): Promise<void> {
    await this.engine.ask(id, { kind, actor: ada, ...more });
  }

  /** Lets every due deployment run its turns once. */
  async turn(): Promise<void> {
    for (const id of await this.records.due(this.shared.now() + 1, 100)) {
      await this.carry(this.engine.run(id, new AbortController().signal));
    }
  }

  private counted<A extends unknown[], R>(call: (...given: A) => Promise<R>): (...given: A) => Promise<R> {
    return async (...given) => {
      this.inFlight += 1;
      try {
        return await call(...given);
      } finally {
        this.inFlight -= 1;
      }
    };
  }

  /** A run that waits for the clock (a call that takes its time, a retry) is given the time that it waits for. */
  private async carry(run: Promise<unknown>): Promise<void> {
    const done = run.then(() => true);
    // The wire does nothing but wait for the clock once the event loop comes round; others may read files.
    while (!(await Promise.race([done, roundOfEvents()]))) {
      const next = this.clock.nextAt() ?? this.clock.now();
      if (this.inFlight > 0) this.clock.advance(Math.max(1, next - this.clock.now()));
    }
  }

  /** Lets time pass with turns whenever they are due. */
  async run(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    while (this.clock.now() < end) {
      await this.turn();
      const [next] = await this.records.due(Infinity, 1);
      const due = next === undefined ? Infinity : ((await this.records.dueAt(next)) ?? Infinity);
      const dueMs = due - this.shared.now();
      this.clock.advance(Math.max(1, Math.min(dueMs, end - this.clock.now())));
    }
    await this.turn();
  }

  /** Lets time pass until it holds; fails with what the deployments last did, past the limit. */
  async until(what: string, holds: () => Promise<boolean> | boolean, limitMs = 900_000): Promise<void> {
    const end = this.clock.now() + limitMs;
    for (;;) {
      await this.turn();
      if (await holds()) return;
      if (this.clock.now() >= end) throw new Error(`not ${what} within ${limitMs} ms\n${await this.story()}`);
      this.clock.advance(250);
    }
  }

  async reaches(id: string, wanted: Phase | Phase[], limitMs?: number): Promise<Deployment> {
    const phases = [wanted].flat();
    const reached = async () => {
      const { phase } = await this.deployment(id);
      if (!phases.includes(phase) && isTerminal(phase)) {
        throw new Error(`${id} is ${phase}, not ${phases.join(" or ")}\n${await this.story()}`);
      }
      return phases.includes(phase);
    };
    await this.until(`${id} ${phases.join(" or ")}`, reached, limitMs);
    return await this.deployment(id);
  }

  /** Until it is over and has let go of its service. */
  async ends(id: string, wanted: Phase, limitMs?: number): Promise<Deployment> {
    await this.reaches(id, wanted, limitMs);
    await this.until(`${id} settled`, async () => (await this.deployment(id)).settled);
    return await this.deployment(id);
  }

  async deployment(id: string): Promise<Deployment> {
    return need(await this.records.load(id));
  }

  async events(id: string): Promise<DeploymentEvent[]> {
    return await this.records.events(id, 0, 1_000);
  }

  /** What happened, for a failing test's reader. */
  async story(): Promise<string> {
    const { deployments } = await this.records.list({ limit: 20 });
    const lines = await Promise.all(
      deployments.map(async (d) => [
        `${d.id} ${d.phase} step ${d.step} ${d.hold ? `[${d.hold.kind}] ` : ""}${d.note}`,
        ...(await this.events(d.id))
          .slice(-40)
          .map((e) => `  ${(e.at - d.createdAt) / 1000}s ${e.type} ${e.message}`),
      ]),
    );
    return lines.flat().join("\n");
  }

  /** Task sets of the service as AWS has them, unlagged. */
  sets(name = "checkout") {
    return this.aws
      .ecs(region, "DescribeServices", { cluster: "prod", services: [name], include: ["TAGS"] })
      .services.flatMap((service) => service.taskSets ?? []);
  }

  /** The pair's weights on the two routes, in the order of the groups. */
  weights(laid: Laid): number[][] {
    return [this.routeWeights(laid, laid.listener), this.routeWeights(laid, laid.rule)];
  }

  /** The pair's weights on a rule or a listener's default action. */
  routeWeights(laid: Laid, arn: string | undefined): number[] {
    const route = need(arn);
    const actions = route.includes(":listener-rule/")
      ? this.aws.elb(region, "DescribeRules", { RuleArns: [route] }).Rules[0]?.Actions
      : this.aws.elb(region, "DescribeListeners", { ListenerArns: [route] }).Listeners[0]?.DefaultActions;
    return weightsIn(laid, actions);
  }
}

function weightsIn(laid: Laid, actions: readonly ActionShape[] = []): number[] {
  const groups = actions.flatMap((action) => action.ForwardConfig?.TargetGroups ?? []);
  return laid.groups.map((arn) => groups.find((group) => group.TargetGroupArn === arn)?.Weight ?? -1);
}

interface ActionShape {
  ForwardConfig?:
    | { TargetGroups?: { TargetGroupArn?: string | undefined; Weight?: number | undefined }[] | undefined }
    | undefined;
}

function roundOfEvents(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)));
}

export function need<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error("missing in this world");
  return value;
}
