import { request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import { type RedisServer, type RedisServerOptions, freePort } from "./redis-server.ts";

/** The same server in a container, where a Docker engine answers. */

const image = "redis:7.4.2-alpine";
const pingMs = 1_500;

/** Whether an engine answers now; at most a second and a half for each place where one usually listens. */
export async function dockerAnswers(): Promise<boolean> {
  const host = process.env["DOCKER_HOST"];
  if (host?.startsWith("tcp://")) {
    const { hostname, port } = new URL(host);
    return ping({ host: hostname, port: Number(port || 2375) });
  }
  const runtimeDirectory = process.env["XDG_RUNTIME_DIR"];
  const sockets = host?.startsWith("unix://")
    ? [host.slice("unix://".length)]
    : [
        "/var/run/docker.sock",
        join(homedir(), ".docker/run/docker.sock"),
        join(homedir(), ".docker/desktop/docker.sock"),
        ...(runtimeDirectory === undefined ? [] : [join(runtimeDirectory, "docker.sock")]),
      ];
  const answers = await Promise.all(sockets.map((socketPath) => ping({ socketPath })));
  return answers.includes(true);
}

function ping(where: { socketPath: string } | { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...where, path: "/_ping", timeout: pingMs }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.once("timeout", () => asked.destroy(new Error("no answer")));
    asked.once("error", () => resolve(false));
    asked.end();
  });
}

/** Starts a Redis container on a port that stays its own through `restart`; the image may have to be pulled first. */
export async function startDockerRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = await freePort();
  const settings: Record<string, string | number> = {
    save: "",
    appendonly: options.appendOnly ? "yes" : "no",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
    ...options.settings,
  };
  const started = await new GenericContainer(image)
    .withCommand([
      "redis-server",
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ])
    .withExposedPorts({ container: 6379, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .withStartupTimeout(60_000)
    .start();
  const container = (await getContainerRuntimeClient()).container.getById(started.getId());
  const kill = async () => {
    const { State } = await container.inspect();
    if (State.Running) await container.kill();
  };
  let closed = false;
  return {
    url: `redis://${started.getHost()}:${port}`,
    port,
    kill,
    restart: async () => {
      await kill();
      await container.start();
    },
    freeze: async () => {
      await container.pause();
    },
    thaw: async () => {
      await container.unpause();
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await started.stop();
    },
  };
}
