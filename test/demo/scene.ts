/**
 * The demo cut down to one act, as a program: `scene.js hold-zero` plays it with sound workers, `scene.js
 * hold-zero --sabotaged` with one that breaks just the promise that the act is about. `errors-unseen` is the act that
 * the demo plays with payments.
 */
import {
  ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { setTimeout as sleep } from "node:timers/promises";
import { type Act, deploy, inForce, type Plot } from "../../examples/demo/act.ts";
import { payments } from "../../examples/demo/payments.ts";
import { play } from "../../examples/demo/play.ts";
import type { Stage } from "../../examples/demo/stage.ts";

interface Scene {
  /** What makes the promise matter. */
  prepare: (stage: Stage) => Promise<unknown>;
  /** What happens while version 2 is deployed. */
  meanwhile?: (stage: Stage) => Promise<void>;
  weights: Record<string, number>[];
  bake?: string;
  hold: string;
}

/** How long somebody else's weights stay. */
const strayMs = 8_000;

const scenes: Record<string, Scene> = {
  // New weights take long to spread: the old ones still send requests to blue.
  "hold-zero": {
    prepare: ({ sandbox }) => sandbox.change({ propagationMs: 4_000 }),
    weights: [{ 2: 100 }],
    hold: "6s",
  },
  // Tasks run well before they can serve.
  "health-ignored": {
    prepare: async ({ sandbox }) => {
      await sandbox.change({ propagationMs: 0 });
      await sandbox.behave({ "demo/checkout:2": { startsHealthyAfterMs: 3_000 } });
    },
    weights: [{ 2: 100 }],
    hold: "2s",
  },
  // The change of weights arrives so late that everybody has given it up.
  "not-read-back": {
    prepare: ({ sandbox }) =>
      sandbox.addFault({ action: "ModifyListener", times: 1, fault: { kind: "delayRequest", ms: 15_000 } }),
    weights: [{ 2: 100 }],
    hold: "3s",
  },
  // Somebody gives the traffic back to blue, and to green again some time later.
  "stale-routes": {
    prepare: ({ sandbox }) => sandbox.change({ propagationMs: 0 }),
    meanwhile: async (stage) => {
      await inForce(stage, { 2: 100 });
      await sleep(1_000, undefined, { signal: stage.signal });
      await setWeights(stage, [1, 0]);
      await sleep(strayMs, undefined, { signal: stage.signal });
      await setWeights(stage, [0, 1]);
    },
    weights: [{ 2: 100 }, { 1: 100 }, { 2: 100 }],
    bake: "4s",
    hold: "2s",
  },
};

async function setWeights({ sandbox, listenerArn, targetGroups }: Stage, weights: number[]): Promise<void> {
  const client = new ElasticLoadBalancingV2Client({
    endpoint: sandbox.facts.endpoint,
    region: sandbox.facts.region,
    credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
  });
  const TargetGroups = targetGroups.map((TargetGroupArn, index) => ({
    TargetGroupArn,
    Weight: weights[index],
  }));
  const forward = { Type: "forward" as const, ForwardConfig: { TargetGroups } };
  await client.send(new ModifyListenerCommand({ ListenerArn: listenerArn, DefaultActions: [forward] }));
  client.destroy();
}

function actOf({ prepare, meanwhile, weights }: Scene): Act {
  return async (stage, story) => {
    await prepare(stage);
    const { deployment, exitCode } = await deploy(stage, story, "2", () => meanwhile?.(stage));
    const ok = deployment.phase === "succeeded" && exitCode === 0;
    const detail = `${deployment.phase}, code ${exitCode}`;
    return {
      version: "2",
      deployment,
      weights,
      least: [],
      checks: [{ what: "version 2 was deployed", ok, detail }],
    };
  };
}

function plotOf(scene: Scene): Plot {
  const { hold, bake = "0s" } = scene;
  const strategy = { steps: [{ weight: 100 }], bake, hold };
  return { service: "checkout", strategy, ratePerSecond: 150, acts: [actOf(scene)] };
}

const [name = "", sabotaged] = process.argv.slice(2);
const scene = scenes[name];
const plot = name === "errors-unseen" ? payments : scene && plotOf(scene);
if (!plot) {
  const names = [...Object.keys(scenes), "errors-unseen"].join(", ");
  throw new Error(`There is no scene "${name}"; there are ${names}.`);
}
await play(
  {
    plots: [plot],
    workers: 1,
    requestsMin: 1_000,
    ...(sabotaged === "--sabotaged" && {
      workerProgram: "test/support/sabotaged-worker.js",
      workerEnv: { TEAL_SABOTAGE: name },
    }),
  },
  { json: true },
);
