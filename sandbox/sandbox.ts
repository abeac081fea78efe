import { Balancer, type OpenListener } from "./balancer/balancer.ts";
import { controlBalancer } from "./balancer/control.ts";
import { endableClock, realClock } from "./clock.ts";
import { seededRandom } from "./random.ts";
import { startAws, type LocalAws } from "./start.ts";
import { httpProber } from "./tasks/prober.ts";
import { Network } from "./tasks/network.ts";
import { buildWorld, noArns, type WorldArns } from "./world/build.ts";
import { settingsOf, worldSchema, type World } from "./world/schema.ts";

export interface SandboxOptions {
  /** Left out: an account with nothing in it. */
  world?: World;
  /** Of AWS's endpoint; 0, the default, takes a free one. */
  port?: number;
  /** Decides the share of each request and which requests a task fails; never an ARN. */
  seed?: number;
  /** `listener`: the balancer listens on the listeners' own ports where they are free. `any`: always on free ones. */
  listenerPorts?: "listener" | "any";
  /** How long a target may stay silent before the balancer answers 504. */
  targetIdleTimeoutMs?: number;
}

/** What a client of the sandbox needs to know; plain JSON. */
export interface SandboxFacts {
  /** What goes into AWS_ENDPOINT_URL. */
  endpoint: string;
  region: string;
  seed: number;
  listeners: { name: string; arn: string; port: number; url: string }[];
  /** ARNs by name. They are the same for the same world file, whatever the seed. */
  arns: WorldArns;
}

export interface Sandbox extends LocalAws {
  facts: SandboxFacts;
  balancer: Balancer;
  network: Network;
  /** Where the balancer's listeners can be reached now; also those made since the start. */
  listeners(): OpenListener[];
}

/** ARNs are drawn from this one, so that files beside the world can name them. */
const idSeed = 1;

/**
 * Starts a whole sandbox in real time: the model with its world, the endpoint,
 * the balancer and the tasks. Resolves when endpoint and listeners can be
 * reached; tasks take as long as the world says. Rejects when the endpoint's
 * port is taken or the world can't be built, leaving nothing behind.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { world = worldSchema.parse({}), seed = 1 } = options;
  const clock = endableClock(realClock());
  const local = startAws({
    clock,
    seed: idSeed,
    settings: settingsOf(world),
    extensions: [
      (method, path) => controlBalancer(balancer, method, path),
      (method, path) => (method === "GET" && path === "/facts" ? facts : undefined),
    ],
  });
  const { traffic } = local.aws;
  const network = new Network({ traffic, clock, random: seededRandom(seed + 1) });
  const balancer = new Balancer({
    traffic,
    clock,
    random: seededRandom(seed),
    locate: network.locate,
    ports: options.listenerPorts ?? "listener",
    recorder: local.aws.recorder,
    cookieHonouredAtWeightZero: () => local.aws.settings.cookieHonouredAtWeightZero,
    ...(options.targetIdleTimeoutMs === undefined ? {} : { idleTimeoutMs: options.targetIdleTimeoutMs }),
  });
  local.aws.watch();
  traffic.useProber(httpProber({ clock, locate: network.locate }));

  const facts: SandboxFacts = {
    endpoint: "",
    region: world.region,
    seed,
    listeners: [],
    arns: { ...noArns(), elsewhere: [] },
  };
  const close = async () => {
    await local.close();
    await balancer.close();
    await network.close();
    clock.end();
  };
  try {
    facts.endpoint = (await local.listen(options.port ?? 0)).url;
    facts.arns = buildWorld(local.aws, world);
    await balancer.ready();
  } catch (error) {
    await close();
    throw error;
  }
  const everywhere = [facts.arns, ...facts.arns.elsewhere].flatMap(({ listeners }) =>
    Object.entries(listeners),
  );
  const names = new Map(everywhere.map(([name, arn]) => [arn, name]));
  facts.listeners = balancer
    .listeners()
    .map(({ arn, port, url }) => ({ name: names.get(arn) ?? arn, arn, port, url }));
  return { ...local, facts, balancer, network, listeners: () => balancer.listeners(), close };
}
