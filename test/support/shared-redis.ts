import type { TestProject } from "vitest/node";
import { startDockerRedis } from "./redis-docker.ts";
import { startLocalRedis } from "./redis-server.ts";
import { chooseRedis } from "./redis-source.ts";

/** One Redis for the whole run, started before the first file and ended after the last. */

declare module "vitest" {
  export interface ProvidedContext {
    /** Where the run's Redis is, or why there is none: only the tests that need it fail for that. */
    redis: { url: string } | { missing: string };
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  try {
    const source = await chooseRedis();
    const url = process.env["REDIS_URL"];
    if (source === "url" && url !== undefined) {
      project.provide("redis", { url });
      return undefined;
    }
    const server = await (source === "docker" ? startDockerRedis() : startLocalRedis());
    project.provide("redis", { url: server.url });
    return () => server.close();
  } catch (error) {
    project.provide("redis", { missing: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}
