/** Somebody empties Redis under deployments: nothing moves, a person is told, and says what becomes of them. */
import { afterEach, expect, it } from "vitest";
import { Redis } from "ioredis";
import { deploymentPage } from "../../../src/api/contract.ts";
import { startBuilt } from "../../support/processes.ts";
import { startDedicatedRedis } from "../../support/redis.ts";
import { region } from "../../support/quick-world.ts";
import { openStage, type Stage } from "./stage.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const services = ["checkout", "billing", "orders"];

async function teal(stage: Stage, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const process = startBuilt("src/cli/main.js", args, { name: "teal", env: stage.cliEnv });
  const { code } = await process.exited;
  return { code, output: process.output() };
}

/** The weights of the service's listener, and its task sets by revision. */
function asAwsHas(stage: Stage, service: string) {
  const { aws } = stage.local;
  const [found] = aws.ecs(region, "DescribeServices", { cluster: "prod", services: [service] }).services;
  const { LoadBalancers } = aws.elb(region, "DescribeLoadBalancers", { Names: [service] });
  const LoadBalancerArn = LoadBalancers[0]?.LoadBalancerArn ?? "";
  const { Listeners } = aws.elb(region, "DescribeListeners", { LoadBalancerArn });
  const groups = Listeners[0]?.DefaultActions?.[0]?.ForwardConfig?.TargetGroups ?? [];
  return {
    weights: groups.map(({ Weight }) => Weight),
    sets: (found?.taskSets ?? []).map((set) => `${set.taskDefinition?.split(":").at(-1)} ${set.status}`),
  };
}

/** A person doesn't wait, and has another set serve in place of both, in blue's group. */
function overtake(stage: Stage, service: string): void {
  const { aws } = stage.local;
  const of = { cluster: "prod", service };
  const [found] = aws.ecs(region, "DescribeServices", { cluster: "prod", services: [service] }).services;
  const blue = found?.taskSets?.find((set) => set.status === "PRIMARY");
  const made = aws.ecs(region, "CreateTaskSet", {
    ...of,
    taskDefinition: `${service}:1`,
    scale: { unit: "PERCENT", value: 100 },
    ...(blue?.loadBalancers && { loadBalancers: blue.loadBalancers }),
    ...(blue?.networkConfiguration && { networkConfiguration: blue.networkConfiguration }),
  });
  aws.ecs(region, "UpdateServicePrimaryTaskSet", { ...of, primaryTaskSet: made.taskSet.taskSetArn ?? "" });
  aws.ecs(region, "DeleteTaskSet", { ...of, taskSet: blue?.taskSetArn ?? "", force: true });
  const forward = (name: string, Weight: number) => ({
    TargetGroupArn: stage.arns.targetGroups[`${service}-${name}`] ?? "",
    Weight,
  });
  const actions = [
    { Type: "forward" as const, ForwardConfig: { TargetGroups: [forward("a", 1), forward("b", 0)] } },
  ];
  const [ListenerArn = "", RuleArn = ""] = [
    stage.arns.listeners[service],
    stage.arns.rules[`${service}-api`],
  ];
  aws.elb(region, "ModifyListener", { ListenerArn, DefaultActions: actions });
  aws.elb(region, "ModifyRule", { RuleArn, Actions: actions });
}

function mutations(stage: Stage): number {
  return stage.local.calls.recent().filter(({ action }) => !/^(Describe|List|Get)/.test(action)).length;
}

it("is seen, told, and recovered by a person with the commands that are shown", async () => {
  const server = await startDedicatedRedis({ appendOnly: true });
  closing.push(() => server.close());
  const admin = new Redis(server.url, { maxRetriesPerRequest: null });
  closing.push(() => admin.disconnect());
  const stage = await openStage(services, { REDIS_URL: server.url, TEAL_STRAYS_MS: "1000" });
  closing.push(() => stage.close());

  for (const service of services) {
    const started = await teal(stage, "deploy", service, "-i", "app=demo/app:2", "--no-wait");
    expect(started.code, started.output).toBe(0);
  }
  await stage.until(
    "half way",
    async () => {
      const { body } = await stage.ask("GET", "/v1/deployments");
      const { deployments } = deploymentPage.parse(JSON.parse(body));
      return deployments.every(({ steps }) => steps[1]?.state === "current") || undefined;
    },
    30_000,
  );
  await admin.flushall();
  const before = mutations(stage);

  // The schedule of the look is written again within half a minute.
  await stage.until(
    "told",
    async () => {
      const said = stage.workers.map((worker) => worker.output()).join("");
      return services.every((one) => said.includes(`look with: teal recover ${one}`)) || undefined;
    },
    60_000,
  );
  expect(mutations(stage)).toBe(before);
  expect((await teal(stage, "list")).output).toBe(
    "No deployments.\n1 stray: teal recover checkout\n1 stray: teal recover billing\n1 stray: teal recover orders\n",
  );
  overtake(stage, "orders");

  const shown = (await teal(stage, "recover")).output;
  expect(shown).toMatch(/weights .*blue:green 50:50, before 1:0/);
  const ways = { checkout: "forward", billing: "back", orders: "remove" };
  for (const [service, way] of Object.entries(ways)) {
    const [command = ""] = new RegExp(`teal recover ${service} .*--${way}`).exec(shown) ?? [];
    const ended = await teal(stage, ...command.split(" ").slice(1));
    expect(ended.code, `${command}\n${ended.output}`).toBe(0);
  }
  // Forward is decided when green is PRIMARY; blue goes a little later.
  await stage.until(
    "without blue",
    async () => asAwsHas(stage, "checkout").sets.length === 1 || undefined,
    30_000,
  );
  expect(asAwsHas(stage, "checkout")).toEqual({ weights: [0, 1], sets: ["2 PRIMARY"] });
  expect(asAwsHas(stage, "billing")).toEqual({ weights: [1, 0], sets: ["1 PRIMARY"] });
  expect(asAwsHas(stage, "orders")).toEqual({ weights: [1, 0], sets: ["1 PRIMARY"] });
  expect((await teal(stage, "recover")).output).toContain("Nothing to recover");
});
