import { request } from "node:http";
import type { Clock } from "../clock.ts";
import type { Prober } from "../model/traffic.ts";
import { healthCheckAgent } from "./taskServer.ts";

export interface ProberOptions {
  clock: Clock;
  locate: (address: string, port: number) => { host: string; port: number } | undefined;
}

/** A health check that really asks: one GET on a connection of its own, as AWS's health checks do. */
export function httpProber({ clock, locate }: ProberOptions): Prober {
  return (probe) => {
    const place = locate(probe.address, probe.port);
    if (place === undefined) return false;
    return new Promise((resolve) => {
      const asked = request({
        agent: false,
        host: place.host,
        port: place.port,
        path: probe.path,
        headers: {
          host: `${probe.address}:${probe.port}`,
          "user-agent": healthCheckAgent,
          connection: "close",
        },
      });
      const finish = (healthy: boolean) => {
        cancel();
        resolve(healthy);
        asked.destroy();
      };
      const cancel = clock.after(probe.timeoutMs, () => finish(false));
      asked.on("response", (answer) => finish(matches(probe.matcher, answer.statusCode ?? 0)));
      asked.on("error", () => finish(false));
      asked.end();
    });
  };
}

/** Whether a status is one of those that a matcher like `200-299,301` lists. */
export function matches(matcher: string, status: number): boolean {
  return matcher.split(",").some((part) => {
    const [from, to] = part.split("-").map(Number);
    return from !== undefined && status >= from && status <= (to ?? from);
  });
}
