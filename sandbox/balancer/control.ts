import type { Balancer } from "./balancer.ts";
import type { Histogram } from "../traffic/histogram.ts";
import type { Minute } from "../traffic/recorder.ts";

/**
 * The balancer's part of `/_sandbox/…`: where its listeners can be reached,
 * what it carried by minute and since the last reset. Undefined: not its path.
 */
export function controlBalancer(balancer: Balancer, method: string, path: string): unknown {
  switch (`${method} ${path}`) {
    case "GET /listeners":
      return balancer.listeners();
    case "GET /traffic":
      return plain(balancer.recorder.totals());
    case "GET /traffic/minutes":
      return balancer.recorder.minutes(-Infinity, Infinity).map(plain);
    case "DELETE /traffic":
      balancer.recorder.reset();
      return {};
    default:
      return undefined;
  }
}

function plain(minute: Minute) {
  return {
    ...minute,
    groups: minute.groups.map(({ responseTimes, ...counts }) => ({ ...counts, ...timesOf(responseTimes) })),
  };
}

function timesOf(times: Histogram) {
  return {
    responseMsMean: times.count === 0 ? null : times.sumMs / times.count,
    responseMsP50: times.percentileMs(50) ?? null,
    responseMsP99: times.percentileMs(99) ?? null,
    responseMsMax: times.count === 0 ? null : times.maxMs,
  };
}
