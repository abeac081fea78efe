/**
 * What each scenario here begins with: a service as it is laid in a world of stepped time, a strategy as `teal.yaml`
 * has it, and nothing but HTTP to talk to Teal.
 *
 *     const checkout = await given("steps: [{ weight: 10 }, { pause: 5m }, { weight: 100 }]");
 *     const id = await checkout.deploy();
 *     await checkout.shows(10);
 *     await checkout.teal.as("bob").ask(id, "promote");
 */
import type { Laid, World, WorldOptions } from "../support/world.ts";
import { apiOn, placed, type TealOfFile } from "../support/api-world.ts";
import { currentGate } from "../../src/deployment/rules/gates.ts";
import type { DeployBody, GateView } from "../../src/api/contract.ts";
import { rememberLooks } from "../simulation/memory.ts";
import { watchedWorld } from "../support/scenario.ts";
import { need } from "../support/world.ts";

export const minute = 60_000;
export const hour = 60 * minute;

/** A balance of blue to green as it rests, on both routes: all on blue, all on green. */
export const onBlue = [
  [1, 0],
  [1, 0],
];
export const onGreen = [
  [0, 1],
  [0, 1],
];

/** Hours pass in many of these: without AWS's protocols, and with rare health checks, they cost little. */
const thrifty = {
  wire: "direct",
  wrap: rememberLooks,
  settings: { healthCheckIntervalMs: 10_000 },
} satisfies WorldOptions;

interface Circumstances {
  world?: WorldOptions;
  lay?: Parameters<World["lay"]>[1];
  /** Instead of a service as the world lays it. */
  laid?: (world: World) => Laid;
  /** Further keys of the service, in YAML's flow style. */
  service?: string | ((laid: Laid, world: World) => string);
  /** The rule is a test route, so that the listener alone takes production traffic. */
  tested?: boolean;
  /** The rest of the file. */
  file?: string;
}

export interface Given {
  world: World;
  laid: Laid;
  teal: TealOfFile;
  /** Version 2, unless it says otherwise. */
  deploy: (body?: Partial<DeployBody>) => Promise<string>;
  /** Until every route gives green so many percent. */
  shows: (percent: number) => Promise<void>;
  standsAt: (id: string, gate: string) => Promise<GateView>;
  /** Another strategy, or another rest of the file, from now on. */
  rewrite: (strategy: string, file?: string) => void;
}

/** @param strategy the keys of one, in YAML; nothing is measured unless it says so, and `hold` is 5 s */
export async function given(strategy: string, circumstances: Circumstances = {}): Promise<Given> {
  const { settings, ...options } = circumstances.world ?? {};
  const world = watchedWorld({ ...thrifty, ...options, settings: { ...thrifty.settings, ...settings } });
  const laid = circumstances.laid?.(world) ?? world.lay("checkout", circumstances.lay);
  const { service = "" } = circumstances;
  const more = typeof service === "string" ? service : service(laid, world);
  const yaml = (steps: string, file = "") => `
services: { checkout: ${placed(laid, `strategy: usual${more && `, ${more}`}`, circumstances.tested)} }
defaults: { analysis: [], hold: 5s }
strategies:
  usual:
${steps
  .trim()
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
${file}`;
  const teal = await apiOn(world, yaml(strategy, circumstances.file));
  return {
    world,
    laid,
    teal,
    deploy: async (body) => {
      const { id } = await teal.deploy({ service: "checkout", taskDefinition: "checkout:2", ...body });
      return id;
    },
    shows: (percent) =>
      world.until(`at ${percent} %`, () => world.weights(laid).every(([, green]) => green === percent)),
    standsAt: async (id, gate) => {
      await world.until(`at ${gate}`, async () => currentGate(await world.deployment(id)) === gate);
      const { gates } = await teal.look(id);
      return need(gates.find((one) => one.id === gate));
    },
    rewrite: (steps, file) => teal.reload(yaml(steps, file)),
  };
}
