/** A deployment and what it sees, in good order, for every phase; tests then change the one thing they are about. */
import type { Command, CommandKind } from "../../src/deployment/command.ts";
import type { Fault, Reading, Seen, TaskSeen, TaskSetSeen } from "../../src/deployment/observation.ts";
import { newDeployment } from "../../src/deployment/accept.ts";
import type { Phase } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { type Strategy, strategyDefaults } from "../../src/deployment/strategy.ts";
import type { RouteRef, ServiceTarget } from "../../src/deployment/target.ts";

export const now = Date.UTC(2026, 5, 1, 12);
export const id = "checkout-abc-1";

const elb = "arn:aws:elasticloadbalancing:eu-west-1:000000000000";
export const groupA = `${elb}:targetgroup/checkout-a/1`;
export const groupB = `${elb}:targetgroup/checkout-b/2`;
export const listener = `${elb}:listener/app/main/1/1`;
export const testRoute: RouteRef = { kind: "rule", arn: `${elb}:listener-rule/app/main/1/1/9` };
export const rule = `${elb}:listener-rule/app/main/1/1/1`;
const ecs = "arn:aws:ecs:eu-west-1:000000000000";
export const blueArn = `${ecs}:task-set/prod/checkout/ecs-svc/1`;
export const greenArn = `${ecs}:task-set/prod/checkout/ecs-svc/2`;
export const revision = (n: number) => `${ecs}:task-definition/checkout:${n}`;

export const target: ServiceTarget = {
  name: "checkout",
  region: "eu-west-1",
  cluster: "prod",
  service: "checkout",
  targetGroups: [groupA, groupB],
  routes: [
    { kind: "listener", arn: listener },
    { kind: "rule", arn: rule },
  ],
};

export const strategy: Strategy = {
  name: "canary",
  ...strategyDefaults,
  steps: [
    { kind: "scale", percent: 25 },
    { kind: "weight", percent: 10 },
    { kind: "pause", ms: 600_000 },
    { kind: "weight", percent: 50 },
    { kind: "weight", percent: 100 },
  ],
  bakeMs: 900_000,
  retainMs: 3_600_000,
};

export function read<T>(value: T): Reading<T> {
  return { ok: true, value, at: now };
}

export function faulty<T>(fault: Partial<Fault> = {}): Reading<T> {
  return { ok: false, at: now, fault: anyFault(fault) };
}

export function anyFault(fault: Partial<Fault> = {}): Fault {
  return {
    class: "repeat",
    code: "ThrottlingException",
    message: "Rate exceeded",
    action: "ecs:Any",
    ...fault,
  };
}

export function taskSet(colour: "blue" | "green", more: Partial<TaskSetSeen> = {}): TaskSetSeen {
  const blue = colour === "blue";
  return {
    arn: blue ? blueArn : greenArn,
    id: blue ? "ecs-svc/1" : "ecs-svc/2",
    status: blue ? "PRIMARY" : "ACTIVE",
    steady: true,
    scalePercent: 100,
    computedDesired: 4,
    running: 4,
    pending: 0,
    createdAt: now - 3_600_000,
    spec: {
      taskDefinition: revision(blue ? 1 : 2),
      loadBalancers: [{ targetGroupArn: blue ? groupA : groupB, containerName: "app", containerPort: 8080 }],
      launchType: "FARGATE",
      ...(blue ? {} : { tags: [{ key: "teal:deployment", value: id }] }),
    },
    ...more,
  };
}

export function tasksOf(colour: "blue" | "green", count: number, more: Partial<TaskSeen> = {}): TaskSeen[] {
  return Array.from({ length: count }, (_, n) => ({
    arn: `${ecs}:task/prod/${colour}${n}`,
    startedBy: colour === "blue" ? "ecs-svc/1" : "ecs-svc/2",
    lastStatus: "RUNNING",
    desiredStatus: "RUNNING",
    addresses: [`10.0.${colour === "blue" ? 1 : 2}.${n}:8080`],
    containers: [{ name: "app" }],
    ...more,
  }));
}

export function failed(count: number): TaskSeen[] {
  return tasksOf("green", count, {
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [{ name: "app", exitCode: 1 }],
  });
}

/** What tests change; `d` and `seen` are the deployment and its look. */
export interface Scene {
  d: Deployment;
  seen: Seen & { service: Reading<import("../../src/deployment/observation.ts").ServiceSeen> };
}

/** The service as read, for changing. */
export function serviceOf(scene: Scene) {
  if (!scene.seen.service.ok) throw new Error("the service is not readable in this scene");
  return scene.seen.service.value;
}

export function setOf(scene: Scene, colour: "blue" | "green"): TaskSetSeen {
  const found = serviceOf(scene).taskSets.find((set) => set.arn === (colour === "blue" ? blueArn : greenArn));
  if (!found) throw new Error(`no ${colour} in this scene`);
  return found;
}

export function without(scene: Scene, colour: "blue" | "green"): void {
  const service = serviceOf(scene);
  service.taskSets = service.taskSets.filter((set) => set.arn !== (colour === "blue" ? blueArn : greenArn));
}

/** Sets what every route reads and, unless told otherwise, what was last asked of it. */
export function weigh(scene: Scene, blue: number, green: number, options: { asked?: boolean } = {}): void {
  scene.seen.routes = Object.fromEntries(
    [...target.routes, testRoute].map((ref) => [
      ref.arn,
      read({ ref, weights: { [groupA]: blue, [groupB]: green }, rest: "r" }),
    ]),
  );
  if (options.asked === false) return;
  for (const route of scene.d.routes) route.asked = { blue, green };
}

export function heal(scene: Scene, colour: "blue" | "green", healthy: number, unhealthy = 0): void {
  scene.seen.health[colour === "blue" ? groupA : groupB] = read(
    tasksOf(colour, healthy + unhealthy).map((task, n) => ({
      address: task.addresses[0] ?? "",
      state: n < healthy ? ("healthy" as const) : ("unhealthy" as const),
    })),
  );
}

/** A deployment in this phase, with everything about it as it should be. */
export function scene(phase: Phase): Scene {
  const d = newDeployment({
    id,
    target,
    strategy,
    request: { taskDefinition: "checkout:2" },
    actor: { kind: "operator", name: "ada" },
    now: now - 7_200_000,
  });
  d.events = 5;
  d.phase = phase;
  d.phaseSince = now - 1_000;
  d.stepSince = now - 1_000;
  const made: Scene = {
    d,
    seen: {
      service: read({
        arn: `${ecs}:service/prod/checkout`,
        status: "ACTIVE",
        controller: "EXTERNAL",
        desiredCount: 4,
        healthCheckGraceSeconds: 60,
        taskSets: [taskSet("blue")],
      }),
      routes: {},
      health: {},
      tasks: read([]),
      slot: { acting: id, queue: [] },
    },
  };
  weigh(made, 1, 0);
  heal(made, "blue", 4);
  heal(made, "green", 0);
  if (phase === "queued" || phase === "cancelled" || phase === "failed") return made;

  made.seen.taskDefinition = read({
    arn: revision(2),
    family: "checkout",
    status: "ACTIVE",
    registration: { family: "checkout", containerDefinitions: [{ name: "app", image: "demo/checkout:1" }] },
    containers: [{ name: "app", image: "demo/checkout:1" }],
    tags: [],
  });
  made.seen.survey = read({
    groups: [groupA, groupB].map((arn) => ({
      arn,
      targetType: "ip",
      protocol: "HTTP",
      loadBalancers: ["lb"],
    })),
    serving: target.routes.map((ref) => ({ ref, weights: { [groupA]: 1, [groupB]: 0 } })),
    loadBalancers: { [listener]: "lb", [rule]: "lb" },
  });
  if (phase === "preparing") {
    d.green.base = revision(2);
    return made;
  }

  d.desiredAtStart = 4;
  d.pair = { blue: groupA, green: groupB };
  d.green = { base: revision(2), taskDefinition: revision(2) };
  const blue = taskSet("blue");
  d.blue = { arn: blue.arn, id: blue.id, taskDefinition: revision(1), scalePercent: 100, spec: blue.spec };
  const tested = phase === "testing" || phase === "promoting";
  const refs = tested ? [...target.routes, testRoute] : target.routes;
  d.routes = refs.map((ref) => ({
    ref,
    ...(ref === testRoute && { test: true as const }),
    before: { blue: 1, green: 0 },
    sum: 100,
    asked: { blue: 1, green: 0 },
    askedAt: 0,
    earlier: [],
    rest: "r",
  }));
  d.carriedAt.blue = now - 1_000;
  if (phase === "provisioning") return made;

  d.green = { ...d.green, arn: greenArn, id: "ecs-svc/2", createdAt: now - 600_000, create: createdWith() };
  const green = taskSet("green");
  serviceOf(made).taskSets.push(green);
  made.seen.tasks = read(tasksOf("green", 4));
  heal(made, "green", 4);
  if (phase === "testing") {
    d.strategy = { ...strategy, testing: [{ kind: "test" }] };
    return made;
  }
  if (phase === "shifting") {
    d.step = 1;
    return made;
  }

  for (const route of d.routes) {
    route.earlier = [
      { blue: 50, green: 50 },
      { blue: 90, green: 10 },
      { blue: 1, green: 0 },
    ];
    route.askedAt = now - 120_000;
  }
  d.step = strategy.steps.length;
  d.carriedAt = { blue: now - 120_000, green: now - 1_000 };
  weigh(made, 0, 1);
  if (phase === "baking" || phase === "promoting" || phase === "rolling_back") return made;

  green.status = "PRIMARY";
  setOf(made, "blue").status = "ACTIVE";
  made.seen.slot = { retaining: id, queue: [] };
  if (phase === "rolled_back") {
    d.carriedAt = { blue: now - 1_000, green: now - 120_000 };
    weigh(made, 1, 0);
    without(made, "green");
    setOf(made, "blue").status = "PRIMARY";
    made.seen.slot = { acting: id, queue: [] };
  }
  if (phase === "succeeded") without(made, "blue");
  return made;
}

function createdWith() {
  return {
    cluster: "prod",
    service: "checkout",
    taskDefinition: revision(2),
    clientToken: "t",
    scalePercent: 25,
  };
}

export function command(kind: CommandKind, more: Partial<Command> = {}): Command {
  return { id: `c-${kind}`, kind, actor: { kind: "operator", name: "ada" }, at: now, ...more };
}
