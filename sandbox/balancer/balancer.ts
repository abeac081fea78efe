import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { ListenerView, RequestHead, Traffic } from "../model/traffic.ts";
import type { Random } from "../random.ts";
import { sendError, sendFixed, sendRedirect } from "./answers.ts";
import { Chooser } from "./choice.ts";
import { Recorder } from "../traffic/recorder.ts";
import { relay, type Outcome, type Place, type RelayOptions } from "./relay.ts";

export interface BalancerOptions {
  traffic: Traffic;
  clock: Clock;
  random: Random;
  /** Where a target really listens; undefined when nothing listens there. */
  locate: (address: string, port: number) => Place | undefined;
  /** `listener`: the listener's own port if it is free, else any. `any`: always a free port. */
  ports?: "listener" | "any";
  /** How long a target may stay silent; AWS's default is 60 s. */
  idleTimeoutMs?: number;
  cookieHonouredAtWeightZero?: () => boolean;
  /** Where it counts; one of its own where left out. */
  recorder?: Recorder;
}

/** A listener and where it can be reached from this computer. */
export interface OpenListener extends ListenerView {
  /** The port really listened on; not always the listener's. */
  openPort: number;
  url: string;
}

interface Open {
  view: ListenerView;
  server: Server;
  /** Undefined until it listens. */
  port: number | undefined;
  ready: Promise<void>;
}

const host = "127.0.0.1";

/** Connections at one time, to all targets and from all clients of a listener. */
const connectionsMax = 4096;

/**
 * A load balancer that really listens: for each listener of the model a server
 * on the loopback interface, whatever the listener's protocol speaking HTTP.
 */
export class Balancer {
  readonly recorder: Recorder;
  readonly #options: BalancerOptions;
  readonly #relayOptions: RelayOptions;
  readonly #agent = new Agent({ keepAlive: true, maxTotalSockets: connectionsMax, maxFreeSockets: 256 });
  readonly #chooser: Chooser;
  readonly #open = new Map<string, Open>();
  /** Servers that no longer listen but still have requests in flight. */
  readonly #closing = new Set<Promise<void>>();
  readonly #unsubscribe: () => void;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.recorder = options.recorder ?? new Recorder(options.clock);
    this.#relayOptions = {
      agent: this.#agent,
      clock: options.clock,
      idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    };
    this.#chooser = new Chooser({
      random: options.random,
      now: () => options.clock.now(),
      cookieHonouredAtWeightZero: options.cookieHonouredAtWeightZero ?? (() => false),
    });
    this.#unsubscribe = options.traffic.onListenersChanged(() => this.#follow());
    this.#follow();
  }

  /** Resolves when all listeners that the model has now can be reached. */
  async ready(): Promise<void> {
    await Promise.all(Array.from(this.#open.values(), (open) => open.ready));
  }

  /** The listeners that can be reached now. */
  listeners(): OpenListener[] {
    return [...this.#open.values()].flatMap(({ view, port }) =>
      port === undefined ? [] : [{ ...view, openPort: port, url: `http://${host}:${port}` }],
    );
  }

  /** Stops listening, lets requests in flight end for at most `graceMs`, then cuts them. */
  async close(graceMs = 1_000): Promise<void> {
    this.#unsubscribe();
    for (const [arn, open] of this.#open) this.#shut(arn, open, graceMs);
    await Promise.all(this.#closing);
    this.#agent.destroy();
  }

  #follow(): void {
    const wanted = new Map(this.#options.traffic.listeners().map((view) => [view.arn, view]));
    for (const [arn, open] of this.#open) {
      const view = wanted.get(arn);
      if (view === undefined || view.port !== open.view.port) {
        this.#shut(arn, open, this.#relayOptions.idleTimeoutMs);
      } else open.view = view;
    }
    for (const [arn, view] of wanted) if (!this.#open.has(arn)) this.#listen(arn, view);
  }

  #listen(arn: string, view: ListenerView): void {
    // A client's idle connection is kept as long as a load balancer would.
    const server = createServer({ keepAliveTimeout: 60_000 });
    server.maxConnections = connectionsMax;
    const open: Open = { view, server, port: undefined, ready: Promise.resolve() };
    server.on("request", (request, response) => this.#serve(open.view, request, response));
    const first = this.#options.ports === "any" ? 0 : view.port;
    open.ready = bind(open, first);
    this.#open.set(arn, open);
  }

  #shut(arn: string, open: Open, graceMs: number): void {
    this.#open.delete(arn);
    const closed = this.#drain(open, graceMs);
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }

  async #drain({ server, ready }: Open, graceMs: number): Promise<void> {
    await ready;
    const cancel = this.#options.clock.after(graceMs, () => server.closeAllConnections());
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    cancel();
  }

  #serve(listener: ListenerView, request: IncomingMessage, response: ServerResponse): void {
    const { recorder } = this;
    const loadBalancer = listener.loadBalancerArn;
    const head = headOf(request);
    const answer = this.#options.traffic.answerFor(listener.arn, head);
    const fail = (status: 502 | 503 | 504, cause: string) => {
      recorder.answeredItself(loadBalancer, "error", status);
      if (response.headersSent || response.destroyed) response.destroy();
      else sendError(response, status, cause);
    };
    if (answer === undefined) {
      fail(503, "the listener is gone");
      return;
    }
    if (answer.kind === "fixed") {
      recorder.answeredItself(loadBalancer, "fixed", answer.status);
      sendFixed(response, answer);
      return;
    }
    if (answer.kind === "redirect") {
      recorder.answeredItself(loadBalancer, "redirect", answer.status);
      sendRedirect(response, answer, head, listener);
      return;
    }

    const choice = this.#chooser.choose(answer, head.headers.cookie);
    if (choice === undefined) {
      fail(503, `no target group of ${answer.ruleArn} has a weight above 0`);
      return;
    }
    const { group, target, cookies } = choice;
    if (target === undefined) {
      fail(503, `no registered target in ${group.arn}`);
      return;
    }
    recorder.requested(loadBalancer, group.arn);
    const address = `${target.address}:${target.port}`;
    const place = this.#options.locate(target.address, target.port);
    if (place === undefined) {
      recorder.unreachable(loadBalancer, group.arn);
      fail(502, `nothing listens on ${address}`);
      return;
    }
    const settle = (outcome: Outcome) => {
      switch (outcome.kind) {
        case "answered":
          recorder.answered(loadBalancer, group.arn, outcome.status, outcome.tookMs);
          break;
        case "unreachable":
          recorder.unreachable(loadBalancer, group.arn);
          fail(502, `${address} refused the connection`);
          break;
        case "cut":
          fail(502, `${address} closed the connection without an answer`);
          break;
        case "timeout":
          fail(504, `${address} sent nothing for ${this.#relayOptions.idleTimeoutMs} ms`);
          break;
        case "abandoned":
          // AWS logs it as 460; no target answered, so it is in no HTTPCode_Target_*.
          recorder.answeredItself(loadBalancer, "error", 460);
          break;
      }
    };
    const { protocol, port } = listener;
    relay({ request, response, place, protocol, port, cookies }, this.#relayOptions, settle);
  }
}

function headOf(request: IncomingMessage): RequestHead {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  const headers: Record<string, string | undefined> = {};
  for (const name in request.headers) {
    const value = request.headers[name];
    headers[name] = typeof value === "string" ? value : value?.join(", ");
  }
  return {
    method: request.method ?? "GET",
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? undefined : url.slice(mark + 1),
    host: request.headers.host,
    headers,
    sourceIp: request.socket.remoteAddress,
  };
}

/** Listens on the port asked for or, where that one is taken or not allowed, on any. */
async function bind(open: Open, port: number): Promise<void> {
  try {
    open.port = await listenOn(open.server, port);
  } catch {
    open.port = await listenOn(open.server, 0);
  }
}

/** Resolves with the port; rejects where it is taken or not allowed. */
function listenOn(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
