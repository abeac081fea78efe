/**
 * A world with Teal's HTTP API on top of its engine, for scenarios told through requests. No sockets: requests go
 * into the real app by `inject`, and while one is being answered the world's deployments have their turns, so that
 * `?wait=` is answered without time passing.
 *
 *     const world = watchedWorld();
 *     const laid = world.lay();
 *     const teal = await apiOn(world, `
 *     services:
 *       checkout: ${placed(laid, "strategy: careful, onBusy: queue")}
 *     strategies:
 *       careful: { steps: [{ weight: 10 }, { pause: { until: approval, id: release } }, { weight: 100 }] }
 *     `);
 *     const { id } = await teal.deploy({ service: "checkout", taskDefinition: "checkout:2" });
 *     await world.reaches(id, "shifting");
 *     await teal.as("bob").ask(id, "approve");
 *     expect(await teal.look(id)).toMatchObject({ phase: "shifting" });
 *     const { status, body } = await teal.post("/v1/deployments", { service: "nope" });
 *
 * Windows and freezes of the text hold for the world's engine too, beside those of `world.calendar`. Apps are closed
 * after each test.
 */
import { pino } from "pino";
import { afterEach } from "vitest";
import { buildApp } from "../../src/api/app.ts";
import {
  type CommandAnswer,
  commandAnswer,
  type CommandName,
  type DeployBody,
  type DeploymentView,
  deploymentView,
} from "../../src/api/contract.ts";
import type { App } from "../../src/api/parts.ts";
import type { Config } from "../../src/config/config.ts";
import { readConfigText } from "../../src/config/file.ts";
import type { Role } from "../../src/auth/roles.ts";
import { closuresAt } from "../../src/deployment/calendar.ts";
import { testConfig, token } from "../api/support/stage.ts";
import { createMemoryRepeats } from "./memory-repeats.ts";
import { createMemoryTokens } from "./memory-tokens.ts";
import { createMemoryDeliveries } from "./memory-deliveries.ts";
import type { Laid, World } from "./world.ts";

const apps: App[] = [];
const noIssuers = { fetchJson: () => Promise.reject(new Error("no issuer is configured")) };

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/**
 * A laid-out service as `teal.yaml` has it, without its name: `checkout: ${placed(laid, "strategy: careful")}`.
 * @param more further keys, in YAML's flow style
 * @param tested the rule is a test route instead of one that takes production traffic
 */
export function placed({ target, groups, listener, rule }: Laid, more = "", tested = false): string {
  const routes = tested
    ? `routes: [{ listener: ${listener} }], testRoutes: [{ rule: ${rule} }]`
    : `routes: [${target.routes.map(({ kind, arn }) => `{ ${kind}: ${arn} }`).join(", ")}]`;
  const place = `region: ${target.region}, cluster: ${target.cluster}, service: ${target.service}`;
  return `{ ${place}, targetGroups: [${groups.join(", ")}], ${routes}${more && `, ${more}`} }`;
}

/** Of any shape: tests look into answers of every kind, refusals too. */
type Json = ReturnType<typeof JSON.parse>;

export interface Answered {
  status: number;
  headers: Record<string, unknown>;
  /** The JSON document; undefined where there is none. */
  body: Json;
}

type Headers = Record<string, string>;

/** Requests by one person; `as` gives those of another. */
export interface Teal {
  app: App;
  get(path: string, headers?: Headers): Promise<Answered>;
  post(path: string, body: unknown, headers?: Headers): Promise<Answered>;
  /** Starts a deployment; fails where it is not accepted. */
  deploy(body: DeployBody, headers?: Headers): Promise<DeploymentView>;
  look(id: string): Promise<DeploymentView>;
  /** Asks for a command and gives the deployment's answer; fails where it is refused. */
  ask(id: string, command: CommandName, more?: object): Promise<CommandAnswer>;
  as(name: string): Teal;
  /** Whoever has a token of its own, with this role for all services. */
  holder(name: string, role: Role): Promise<Teal>;
}

export interface TealOfFile extends Teal {
  /** Another content of the file, in force at once. */
  reload: (yaml: string) => void;
  /** What the file comes to now. */
  config: () => Config;
}

/** @param yaml a whole `teal.yaml`; it must be without fault */
export async function apiOn(world: World, yaml: string): Promise<TealOfFile> {
  let config = configOf(yaml);
  world.closed = (service, now) => {
    const own = config.services[service]?.calendar;
    return [...(own ? closuresAt(own, service, now) : []), ...closuresAt(world.calendar, service, now)];
  };
  const app = await buildApp({
    engine: world.engine,
    records: world.records,
    tokens: createMemoryTokens(),
    repeats: createMemoryRepeats(),
    issuers: noIssuers,
    hints: (event) => {
      const targets = Object.values(config.services).map(({ target }) => target);
      return world.engine.hint(event, targets);
    },
    deliveries: createMemoryDeliveries(() => world.clock.now()),
    strayBook: { read: async () => ({}), write: async () => {}, mayTell: async () => true },
    config: { current: () => config, state: () => ({ digest: config.source.digest, since: 0 }) },
    clock: world.clock,
    log: pino({ level: "silent" }),
    ping: async () => {},
  });
  apps.push(app);
  return {
    ...speaker(world, app, "ada"),
    reload: (text) => {
      config = configOf(text);
    },
    config: () => config,
  };
}

function configOf(yaml: string): Config {
  const { config, problems } = readConfigText(yaml, "teal.yaml");
  if (!config) throw new Error(problems.map(({ path, message }) => `${path} ${message}`).join("\n"));
  return testConfig(config);
}

function speaker(world: World, app: App, name: string, bearer = token): Teal {
  const send = async (method: "GET" | "POST", url: string, more: Headers, payload?: unknown) => {
    const headers = { authorization: `Bearer ${bearer}`, "teal-actor": name, ...more };
    const request =
      payload === undefined
        ? app.inject({ method, url, headers })
        : app.inject({
            method,
            url,
            headers: { "content-type": "application/json", ...headers },
            payload: JSON.stringify(payload),
          });
    const answer = await answered(world, request);
    const type = String(answer.headers["content-type"] ?? "");
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: type.includes("json") ? answer.json() : undefined,
    };
  };
  const teal: Teal = {
    app,
    get: (path, headers = {}) => send("GET", path, headers),
    post: (path, body, headers = {}) => send("POST", path, headers, body),
    deploy: async (body, headers) =>
      deploymentView.parse(well(await teal.post("/v1/deployments", body, headers))),
    look: async (id) => deploymentView.parse(well(await teal.get(`/v1/deployments/${id}`))),
    ask: async (id, command, more = {}) => {
      const path = `/v1/deployments/${id}/commands?wait=10s`;
      return commandAnswer.parse(well(await teal.post(path, { command, ...more })));
    },
    as: (other) => speaker(world, app, other),
    holder: async (other, role) => {
      const body = { name: other, grants: [{ role, services: ["*"] }] };
      const made = well(await speaker(world, app, "root").post("/v1/tokens", body));
      return speaker(world, app, other, made.token);
    },
  };
  return teal;
}

function well(answer: Answered): Json {
  if (answer.status >= 300) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Rounds of the event loop that a request may take before time passes for it. */
const patience = 2_000;

/** Gives the deployments their turns until the request has its answer. */
async function answered<T>(world: World, request: PromiseLike<T>): Promise<T> {
  const done = Promise.resolve(request).then((value) => ({ value }));
  for (let round = 0; ; round += 1) {
    const found = await Promise.race([
      done,
      new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
    ]);
    if (found) return found.value;
    await world.turn();
    if (round > patience) world.clock.advance(1_000);
  }
}
