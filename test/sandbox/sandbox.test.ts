import { Agent } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startSandbox, type Sandbox } from "../../sandbox/sandbox.ts";
import { parseWorld } from "../../sandbox/world/file.ts";
import { binomialInterval } from "./balancer/chance.ts";
import { ask, many, until, type AskOptions } from "./balancer/scene.ts";

/* Everything together, in real time: model, wire, balancer and tasks. */

const propagationMs = 400;
const world = parseWorld(`
settings:
  taskStartMs: 50
  taskStopMs: 300
  schedulerDelayMs: 10
  steadyDelayMs: 50
  exitNoticeMs: 100
  healthCheckIntervalMs: 40
  propagationMs: ${propagationMs}
  deregistrationDelayMs: 600
behaviours:
  shop:3: { failHealthChecks: true }
loadBalancers:
  - name: shop
    targetGroups: [{ name: a, healthCheck: { path: /health } }, { name: b, healthCheck: { path: /health } }]
    listeners: [{ name: shop, port: 8080, forward: { a: 1, b: 0 } }]
taskDefinitions:
  - { family: shop, image: "shop:1" }
  - { family: shop, image: "shop:2" }
  - { family: shop, image: "shop:3" }
clusters: [prod]
services:
  - { name: shop, cluster: prod, desiredCount: 2, taskSet: { taskDefinition: "shop:1", targetGroup: a } }
`);

let sandbox: Sandbox;
let users: Users | undefined;
beforeEach(async () => {
  sandbox = await startSandbox({ world, listenerPorts: "any", seed: 3 });
  await until("blue is healthy", () => healthy("a") === 2);
});
afterEach(async () => {
  await users?.leave();
  users = undefined;
  await sandbox.close();
});

const group = (name: string) => sandbox.facts.arns.targetGroups[name] ?? "";
const targets = (name: string) =>
  sandbox.aws.elb(world.region, "DescribeTargetHealth", { TargetGroupArn: group(name) })
    .TargetHealthDescriptions;
const states = (name: string) => targets(name).map((target) => target.TargetHealth.State);
const healthy = (name: string) => states(name).filter((state) => state === "healthy").length;

function request(path = "/", how: AskOptions = {}) {
  return ask(`${sandbox.facts.listeners[0]?.url}${path}`, how);
}

function control(method: string, path: string, body?: unknown) {
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return ask(`${sandbox.facts.endpoint}/_sandbox${path}`, {
    method,
    ...(text === undefined ? {} : { body: text, headers: { "content-length": String(text.length) } }),
  });
}

function addGreen(revision: number) {
  const { taskSet } = sandbox.aws.ecs(world.region, "CreateTaskSet", {
    cluster: "prod",
    service: "shop",
    taskDefinition: `shop:${revision}`,
    launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
    loadBalancers: [{ targetGroupArn: group("b"), containerName: "shop", containerPort: 8080 }],
  });
  return taskSet.taskSetArn;
}

function weigh(a: number, b: number) {
  sandbox.aws.elb(world.region, "ModifyListener", {
    ListenerArn: sandbox.facts.arns.listeners["shop"] ?? "",
    DefaultActions: [
      {
        Type: "forward",
        ForwardConfig: {
          TargetGroups: [
            { TargetGroupArn: group("a"), Weight: a },
            { TargetGroupArn: group("b"), Weight: b },
          ],
        },
      },
    ],
  });
}

describe("a shift of traffic", () => {
  test("takes effect after the propagation delay, then in the share asked for", async () => {
    addGreen(2);
    await until("green is healthy", () => healthy("b") === 2);
    const askedAt = Date.now();
    weigh(50, 50);
    // Those that were answered before the delay was over; the machine decides how many that are.
    let early = 0;
    for (;;) {
      const reply = await request();
      if (Date.now() - askedAt >= propagationMs) break;
      expect(reply.headers["x-version"]).toBe("1");
      early += 1;
    }
    expect(early).toBeGreaterThan(0);
    await until("green answers", async () => (await request()).headers["x-version"] === "2");
    const replies = await many(1_000, 8, () => request());
    const green = replies.filter((reply) => reply.headers["x-version"] === "2").length;
    const { low, high } = binomialInterval(1_000, 0.5);
    expect(green).toBeGreaterThanOrEqual(low);
    expect(green).toBeLessThanOrEqual(high);
    expect(replies.every((reply) => reply.status === 200)).toBe(true);
  });

  test("loses requests when blue is taken away while it still has weight", async () => {
    const taskSet = sandbox.facts.arns.taskSets["prod/shop"] ?? "";
    sandbox.aws.ecs(world.region, "UpdateTaskSet", {
      cluster: "prod",
      service: "shop",
      taskSet,
      scale: { value: 0, unit: "PERCENT" },
    });
    const statuses = new Set<number>();
    await until("nothing serves", async () => {
      statuses.add((await request()).status);
      return statuses.has(503);
    });
    expect([...statuses]).toEqual([200, 503]);
  });
});

/** Four who ask without pause until they are told to leave. */
class Users {
  /** How often each status came. */
  readonly statuses = new Map<number, number>();
  readonly #agent = new Agent({ keepAlive: true });
  readonly #lanes: Promise<void[]>;
  #leaving = false;

  constructor() {
    this.#lanes = Promise.all([1, 2, 3, 4].map(() => this.#ask()));
  }

  async leave(): Promise<ReadonlyMap<number, number>> {
    this.#leaving = true;
    await this.#lanes;
    this.#agent.destroy();
    return this.statuses;
  }

  async #ask(): Promise<void> {
    while (!this.#leaving) {
      const { status } = await request("/", { agent: this.#agent });
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    }
  }
}

/** Whether blue's share has really become 0. */
function inForce(): boolean {
  return sandbox.aws.traffic.effectiveShares(sandbox.facts.arns.listeners["shop"] ?? "")[group("a")] === 0;
}

function removeBlue() {
  const taskSet = sandbox.facts.arns.taskSets["prod/shop"] ?? "";
  sandbox.aws.ecs(world.region, "DeleteTaskSet", { cluster: "prod", service: "shop", taskSet, force: true });
}

describe("blue/green by hand, under load", () => {
  test("in the right order loses nothing", async () => {
    users = new Users();
    const greenArn = addGreen(2);
    await until("green is healthy", () => healthy("b") === 2);
    weigh(0, 1);
    await until("the shift is in force", inForce);
    sandbox.aws.ecs(world.region, "UpdateServicePrimaryTaskSet", {
      cluster: "prod",
      service: "shop",
      primaryTaskSet: greenArn,
    });
    removeBlue();
    await until("blue is gone", () => sandbox.aws.traffic.tasks().length === 2 && states("a").length === 0);
    const statuses = await users.leave();
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(200);
  });

  test("loses requests when blue goes before the shift is in force", async () => {
    users = new Users();
    addGreen(2);
    await until("green is healthy", () => healthy("b") === 2);
    weigh(0, 1);
    removeBlue();
    await until("green answers", async () => (await request()).headers["x-version"] === "2");
    expect((await users.leave()).get(503)).toBeGreaterThan(0);
  });

  test("loses requests when green gets traffic before it is healthy", async () => {
    users = new Users();
    sandbox.aws.settings.behaviours["shop:2"] = { startsHealthyAfterMs: 60_000 };
    addGreen(2);
    weigh(0, 1);
    await until("the shift is in force", inForce);
    await until("requests fail", async () => (await request()).status === 503);
    expect((await users.leave()).get(503)).toBeGreaterThan(0);
  });
});

describe("a task that goes", () => {
  test("finishes what is in flight while its target drains, and gets nothing new", async () => {
    const inFlight = [request("/?waitMs=500"), request("/?waitMs=500")];
    // Where the balancer counts, CloudWatch reads.
    await until("they are in flight", () => sandbox.aws.recorder.totals().groups[0]?.RequestCount === 2);
    sandbox.aws.ecs(world.region, "UpdateTaskSet", {
      cluster: "prod",
      service: "shop",
      taskSet: sandbox.facts.arns.taskSets["prod/shop"] ?? "",
      scale: { value: 0, unit: "PERCENT" },
    });
    await until(
      "they drain",
      () => states("a").length === 2 && states("a").every((state) => state === "draining"),
    );
    expect((await request()).status).toBe(503);
    expect((await Promise.all(inFlight)).map((reply) => reply.status)).toEqual([200, 200]);
    await until("they are gone", () => states("a").length === 0 && sandbox.aws.traffic.tasks().length === 0);
  });

  test("exits by itself: requests fail until it is noticed, then another takes its place", async () => {
    await request("/_exit?code=3", { method: "POST" });
    await until("a request fails", async () => (await request()).status === 502, 2_000);
    await until("two that live are healthy", () => {
      const live = sandbox.aws.traffic.tasks().map((task) => task.address);
      const well = targets("a").filter((target) => target.TargetHealth.State === "healthy");
      return well.length === 2 && well.every((target) => live.includes(target.Target.Id));
    });
    const replies = await many(50, 4, () => request());
    expect(replies.every((reply) => reply.status === 200)).toBe(true);
  });
});

describe("behaviours", () => {
  test("a bad image never becomes healthy by a real health check", async () => {
    addGreen(3);
    await until("it is unhealthy", () => states("b").includes("unhealthy"));
    expect(healthy("b")).toBe(0);
  });

  test("changed from outside they reach the tasks that run", async () => {
    expect((await control("POST", "/behaviours", { "shop:1": { failShare: 1 } })).status).toBe(200);
    expect((await request()).status).toBe(500);
    await control("POST", "/behaviours", { "shop:1": null });
    expect((await request()).status).toBe(200);
  });
});

describe("from outside", () => {
  test("the facts, the listeners and the traffic are JSON, and can be reset", async () => {
    const read = async (path: string): Promise<unknown> =>
      JSON.parse((await control("GET", path)).body.toString());
    expect(await read("/facts")).toEqual(sandbox.facts);
    expect(await read("/listeners")).toMatchObject([{ port: 8080, url: sandbox.facts.listeners[0]?.url }]);
    await many(5, 1, () => request());
    expect(await read("/traffic")).toMatchObject({
      groups: [{ targetGroupArn: group("a"), RequestCount: 5, HTTPCode_Target_2XX_Count: 5 }],
    });
    expect(await read("/traffic/minutes")).toMatchObject([{ groups: [{ targetGroupArn: group("a") }] }]);
    await control("DELETE", "/traffic");
    expect(await read("/traffic")).toMatchObject({ groups: [] });
  });

  test("ARNs don't depend on the seed", async () => {
    const other = await startSandbox({ world, listenerPorts: "any", seed: 99 });
    try {
      expect(other.facts.arns).toEqual(sandbox.facts.arns);
    } finally {
      await other.close();
    }
  });
});

test("a taken port is refused and leaves nothing behind; close ends every socket", async () => {
  const { port } = new URL(sandbox.facts.endpoint);
  await expect(startSandbox({ world, port: Number(port), listenerPorts: "any" })).rejects.toThrow(
    /EADDRINUSE/,
  );
  const [listener] = sandbox.facts.listeners;
  await sandbox.close();
  await expect(ask(`${sandbox.facts.endpoint}/_sandbox/facts`)).rejects.toThrow(/ECONNREFUSED/);
  await expect(ask(`${listener?.url}/`)).rejects.toThrow(/ECONNREFUSED/);
});
