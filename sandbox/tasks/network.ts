import type { Clock } from "../clock.ts";
import type { TaskEvent, TaskView, Traffic } from "../model/traffic.ts";
import type { Random } from "../random.ts";
import { TaskServer } from "./taskServer.ts";

export interface NetworkOptions {
  traffic: Traffic;
  clock: Clock;
  random: Random;
}

interface Host {
  server: TaskServer;
  /** Resolves when its sockets are open. */
  opened: Promise<void>;
  /** Its entries in the table. */
  addresses: string[];
}

/**
 * The network that the tasks live in: a real server for every task of the
 * model, and a table from the model's addresses to real sockets, since a
 * computer has no `10.0.1.7` to listen on.
 */
export class Network {
  readonly #options: NetworkOptions;
  readonly #hosts = new Map<string, Host>();
  /** By `address:port`. */
  readonly #ports = new Map<string, number>();
  readonly #ending = new Set<Promise<void>>();
  readonly #unsubscribe: () => void;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#unsubscribe = options.traffic.onTask((event) => this.#follow(event));
    for (const task of options.traffic.tasks()) {
      this.#follow({ kind: task.startedAtMs === undefined ? "starting" : "running", task });
    }
  }

  /**
   * Where an address of the model really is. A loopback address is taken as it
   * is, so that a server of one's own can be registered as a target by hand.
   */
  readonly locate = (address: string, port: number): { host: string; port: number } | undefined => {
    const found = this.#ports.get(`${address}:${port}`);
    if (found !== undefined) return { host: "127.0.0.1", port: found };
    return address.startsWith("127.") ? { host: address, port } : undefined;
  };

  /** Resolves when the servers of all tasks that live now listen. */
  async ready(): Promise<void> {
    await Promise.all(Array.from(this.#hosts.values(), (host) => host.opened));
  }

  /** Kills every task. */
  async close(): Promise<void> {
    this.#unsubscribe();
    for (const arn of this.#hosts.keys()) this.#kill(arn);
    await Promise.all(this.#ending);
  }

  #follow({ kind, task }: TaskEvent): void {
    switch (kind) {
      case "starting":
        this.#host(task);
        break;
      case "running":
        this.#host(task).server.run(task.startedAtMs ?? this.#options.clock.now());
        break;
      case "stopping": {
        const host = this.#hosts.get(task.arn);
        // It may be told to stop before it has begun to listen.
        void host?.opened.then(() => host.server.stop());
        break;
      }
      case "stopped":
        this.#kill(task.arn);
        break;
    }
  }

  #host(task: TaskView): Host {
    const known = this.#hosts.get(task.arn);
    if (known !== undefined) return known;
    const { traffic, clock, random } = this.#options;
    const server = new TaskServer({
      task,
      clock,
      random,
      behaviour: () => traffic.behaviourOf(task.arn) ?? task.behaviour,
      exited: (exitCode) => {
        this.#forget(task.arn);
        traffic.taskExited(task.arn, exitCode);
      },
    });
    const host: Host = { server, opened: Promise.resolve(), addresses: [] };
    this.#hosts.set(task.arn, host);
    host.opened = this.#open(host, task);
    return host;
  }

  async #open(host: Host, task: TaskView): Promise<void> {
    const ports = await host.server.listen();
    if (!this.#hosts.has(task.arn)) return;
    for (const [port, real] of ports) {
      const address = `${task.address}:${port}`;
      host.addresses.push(address);
      this.#ports.set(address, real);
    }
  }

  #kill(arn: string): void {
    const host = this.#hosts.get(arn);
    if (host === undefined) return;
    this.#forget(arn);
    this.#hosts.delete(arn);
    const ended = host.opened.then(() => host.server.destroy());
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
  }

  #forget(arn: string): void {
    const host = this.#hosts.get(arn);
    for (const address of host?.addresses.splice(0) ?? []) this.#ports.delete(address);
  }
}
