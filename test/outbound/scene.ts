/** Others' systems on this machine, and all that it takes to call them. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach } from "vitest";
import { createGauges, type Gauges, type OutboundAsk } from "../../src/outbound/gauges.ts";
import { createHooks, type HooksOptions } from "../../src/outbound/hooks.ts";
import type { Hooks } from "../../src/engine/ports.ts";
import { certificate, key } from "./certificate.ts";

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Stranger {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  received: Received[];
  /** Connections so far, whatever was sent on them. */
  connections: () => number;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Answers every request so, after reading it. */
export async function startStranger(
  answer: (response: ServerResponse, received: Received) => void,
  { tls = false } = {},
): Promise<Stranger> {
  const received: Received[] = [];
  const server = tls ? createTlsServer({ key, cert: certificate }) : createServer();
  server.on("request", (request, response) => {
    const { method = "", url: path = "", headers } = request;
    void text(request).then((body) => {
      const one = { method, path, headers, body };
      received.push(one);
      return answer(response, one);
    });
  });
  return { ...(await listen(server)), received };
}

/** Somebody who always answers so. */
export const answering = (said: unknown, status = 200) =>
  startStranger((response) =>
    response.writeHead(status).end(typeof said === "string" ? said : JSON.stringify(said)),
  );

/** Does with every connection as told. */
export async function startTcp(onConnection: (socket: Socket) => void): Promise<Stranger> {
  return { ...(await listen(createTcpServer(onConnection))), received: [] };
}

async function listen(server: Server): Promise<Pick<Stranger, "url" | "port" | "connections">> {
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, connections: () => connections };
}

/** A port that nobody listens at. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer();
  const { port } = await listen(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** Timers that run out only when told. */
export class Timers {
  /** The time of each one set so far. */
  readonly set: number[] = [];
  #running: (() => void) | undefined;

  readonly after = (ms: number, fn: () => void): (() => void) => {
    this.set.push(ms);
    this.#running = fn;
    return () => {
      if (this.#running === fn) this.#running = undefined;
    };
  };

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Lets the one that is running run out. */
  runOut(): void {
    const fn = this.#running;
    if (!fn) throw new Error("no timer is running");
    this.#running = undefined;
    fn();
  }
}

export const hookKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const token = 'Bearer s3cret-"quoted"';

export interface Scene {
  options: HooksOptions;
  hooks: Hooks;
  gauges: Gauges;
  timers: Timers;
  /** What was logged, as JSON. */
  logged: string[];
  /** Of the scene's clock, which stands still. */
  now: number;
}

export const loopback = { names: [], suffixes: [], ranges: ["127.0.0.0/8"] };

/** Loopback allowed, unless told otherwise. */
export function createScene(change: Partial<HooksOptions> = {}): Scene {
  const timers = new Timers();
  const logged: string[] = [];
  const now = 1_700_000_000_500;
  const write = (fields: object, message: string) => logged.push(JSON.stringify({ ...fields, message }));
  const options: HooksOptions = {
    clock: { now: () => now },
    allow: loopback,
    secrets: { TOKEN: { reveal: () => token } },
    keys: [{ reveal: () => hookKey }],
    after: timers.after,
    log: { debug: write, error: write },
    ...change,
  };
  return { options, hooks: createHooks(options), gauges: createGauges(options), timers, logged, now };
}

export const measure = (scene: Scene, ask: OutboundAsk) => scene.gauges.measure(ask, scene.now + 15_000);
