import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { Behaviour } from "../model/behaviour.ts";
import type { TaskView } from "../model/traffic.ts";
import type { Random } from "../random.ts";

export interface TaskServerOptions {
  task: TaskView;
  clock: Clock;
  random: Random;
  /** How the task is to act; asked anew for every request. */
  behaviour: () => Behaviour;
  /** The process has ended by itself. */
  exited: (exitCode: number) => void;
}

/** How AWS's health checks introduce themselves. */
export const healthCheckAgent = "ELB-HealthChecker/2.0";

/** A client that asks for a longer wait is not believed. */
const waitMsMax = 60_000;

const host = "127.0.0.1";

/**
 * One task as a process would be: a server for each of its ports. Any path
 * answers with the version, `/health` says whether it is well, `POST /_exit`
 * ends it, `POST /_echo` sends the body back; `?waitMs=` delays an answer.
 */
export class TaskServer {
  readonly #options: TaskServerOptions;
  readonly #version: string;
  readonly #body: Buffer;
  readonly #servers: Server[] = [];
  /** Cancels the timers of answers under way. */
  readonly #waits = new Set<() => void>();
  #runningSince: number | undefined;
  #stopping = false;
  #closed: Promise<void> | undefined;

  constructor(options: TaskServerOptions) {
    const { task } = options;
    this.#options = options;
    this.#runningSince = task.startedAtMs;
    this.#version = versionOf(task.image);
    this.#body = Buffer.from(
      `${JSON.stringify({
        service: task.serviceName,
        version: this.#version,
        image: task.image,
        task: task.arn,
        taskSet: task.taskSetId,
      })}\n`,
    );
  }

  /** Opens a socket for each port of the task; the answer maps the task's ports to real ones. */
  async listen(): Promise<Map<number, number>> {
    const ports = new Map<number, number>();
    for (const port of this.#options.task.ports) {
      if (this.#closed !== undefined) break;
      // Idle connections are kept longer than any balancer keeps them, lest it meets a closed one.
      const server = createServer({ keepAliveTimeout: 300_000 });
      server.on("request", (request, response) => this.#serve(request, response));
      this.#servers.push(server);
      ports.set(port, await open(server));
    }
    return ports;
  }

  /** PENDING is over. */
  run(sinceMs: number): void {
    this.#runningSince ??= sinceMs;
  }

  /** SIGTERM: takes no new connection, ends what is in flight, closes each connection after its answer. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const server of this.#servers) server.close();
  }

  /** SIGKILL: cuts everything. May be called more than once. */
  destroy(): Promise<void> {
    this.#stopping = true;
    for (const cancel of this.#waits) cancel();
    this.#waits.clear();
    this.#closed ??= Promise.all(this.#servers.map(shut)).then(() => undefined);
    return this.#closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? "/";
    const behaviour = this.#options.behaviour();
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = mark < 0 ? undefined : new URLSearchParams(url.slice(mark + 1));
    const isCheck = path === "/health" || request.headers["user-agent"] === healthCheckAgent;
    const lateMs = !isCheck && this.#happens(behaviour.tailShare) ? (behaviour.tailMs ?? 0) : 0;
    const waitMs = (behaviour.slowMs ?? 0) + lateMs + number(query?.get("waitMs"), 0, waitMsMax);
    response.setHeader("x-version", this.#version);
    response.setHeader("x-task", this.#options.task.arn);
    if (this.#stopping) response.setHeader("connection", "close");

    if (request.method === "POST" && path === "/_exit") {
      const exitCode = number(query?.get("code"), 1, 255);
      send(response, 202, Buffer.from(`exiting with ${exitCode}\n`), "text/plain");
      response.once("finish", () => {
        void this.destroy();
        this.#options.exited(exitCode);
      });
      return;
    }
    if (request.method === "POST" && path === "/_echo") {
      response.writeHead(200, {
        "content-type": request.headers["content-type"] ?? "application/octet-stream",
      });
      request.pipe(response);
      return;
    }
    // Whoever asked gives up first; when the task stops, the connection is cut.
    if (!isCheck && this.#happens(behaviour.hangShare)) return;
    this.#after(waitMs, () => {
      if (response.destroyed) return;
      const [status, text] = this.#verdict(isCheck, this.#options.behaviour());
      if (text === undefined) send(response, status, this.#body, "application/json");
      else send(response, status, Buffer.from(`${text}\n`), "text/plain");
    });
  }

  /** Status and, where the usual answer isn't given, a text that says why. */
  #verdict(isCheck: boolean, behaviour: Behaviour): [number, string?] {
    const { clock } = this.#options;
    const wellAt = (this.#runningSince ?? Infinity) + (behaviour.startsHealthyAfterMs ?? 0);
    if (clock.now() < wellAt) return [503, "still warming up"];
    if (isCheck) {
      return behaviour.failHealthChecks === true ? [500, "unwell, as the sandbox was told"] : [200, "ok"];
    }
    return this.#happens(behaviour.failShare) ? [500, "failed, as the sandbox was told"] : [200];
  }

  #happens(share = 0): boolean {
    return share > 0 && this.#options.random() < share;
  }

  #after(ms: number, fn: () => void): void {
    if (ms <= 0) {
      fn();
      return;
    }
    const cancel = this.#options.clock.after(ms, () => {
      this.#waits.delete(cancel);
      fn();
    });
    this.#waits.add(cancel);
  }
}

/** What `x-version` says of an image: its tag, or the beginning of its digest. */
export function versionOf(image: string): string {
  const digest = /@sha256:([0-9a-f]{12})/.exec(image)?.[1];
  return digest ?? /:([^:/@]+)$/.exec(image)?.[1] ?? "latest";
}

function number(text: string | null | undefined, otherwise: number, max: number): number {
  const value = text === null || text === undefined ? otherwise : Number(text);
  return Number.isFinite(value) && value >= 0 ? Math.min(value, max) : otherwise;
}

function send(response: ServerResponse, status: number, body: Buffer, contentType: string): void {
  response.writeHead(status, { "content-type": contentType, "content-length": body.length });
  response.end(body);
}

function open(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => {
      server.off("error", reject);
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
      else reject(new Error(`a task's server has no port: ${String(address)}`));
    });
  });
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
