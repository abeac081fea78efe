/** The shares of requests that came of the weights in force. */
import { bounds } from "./chance.ts";
import { tally } from "./load.ts";
import type { Sample } from "./load-thread.ts";
import type { Stretch } from "./watch.ts";

export interface Share {
  asked: Record<string, number>;
  lastedMs: number;
  requests: number;
  versions: {
    version: string;
    askedPercent: number;
    percent: number;
    least: number;
    most: number;
    ok: boolean;
  }[];
  ok: boolean;
}

/** What each version got in a stretch, beside what chance allows it. */
export function measure({ asked, from, to }: Stretch, samples: readonly Sample[]): Share {
  const counted = tally(samples, from, to);
  const answered = counted.requests - counted.lost;
  const versions = [...new Set([...Object.keys(asked), ...Object.keys(counted.versions)])]
    .sort()
    .map((version) => {
      const askedPercent = asked[version] ?? 0;
      const count = counted.versions[version]?.answers ?? 0;
      const { least, most } = bounds(answered, askedPercent / 100);
      const percentOf = (part: number) => (answered === 0 ? 0 : (100 * part) / answered);
      return {
        version,
        askedPercent,
        percent: percentOf(count),
        least: percentOf(least),
        most: percentOf(most),
        ok: answered > 0 && count >= least && count <= most,
      };
    });
  return {
    asked,
    lastedMs: to - from,
    requests: counted.requests,
    versions,
    ok: versions.every(({ ok }) => ok),
  };
}
