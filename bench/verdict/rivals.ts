/** Ways to tell that green is worse. Each gives a number after every minute; above its limit it raises the alarm. */
import type { ColourCounts } from "../../src/deployment/check.ts";
import { countErrors, countSlow } from "../../src/deployment/verdict/counts.ts";
import { logEvidence, noEvidence, weigh } from "../../src/deployment/verdict/evidence.ts";
import { againstRates } from "../../src/deployment/verdict/ratios.ts";
import {
  freshVerdict,
  takeMinutes,
  type VerdictOptions,
  type WeighedMinute,
} from "../../src/deployment/verdict/verdict.ts";

/** Looks at a world's minutes one after the other. */
export type Look = (minute: WeighedMinute) => number;

export interface Rival {
  name: string;
  begin: () => Look;
}

type Watched = "errors" | "slow";

/** Teal's own: 1 from the minute in which it says that green is worse. */
export function verdict(options: VerdictOptions): Rival {
  return {
    name: "verdict",
    begin: () => {
      let state = freshVerdict;
      return (minute) => {
        state = takeMinutes(state, [minute], options);
        return state.worse ? 1 : 0;
      };
    },
  };
}

/** The same evidence of one signal, but a single minute may count for any amount. Its limit is log(3 / alpha). */
export function uncapped(watched: Watched, factor: number, floor: number): Rival {
  return {
    name: "without its cap",
    begin: () => {
      let evidence = noEvidence;
      let open = 0;
      return (minute) => {
        const errors = countErrors(minute, open, 1);
        open = errors.open;
        const counts = watched === "errors" ? errors.errors : countSlow(minute);
        if (counts.green > 0 && counts.blue > 0) {
          evidence = weigh(evidence, againstRates(counts, { factor, floor }), Infinity);
        }
        return logEvidence(evidence);
      };
    },
  };
}

/** Green's share of bad ones in the last five minutes; blue isn't looked at. */
export function threshold(watched: Watched): Rival {
  return {
    name: "fixed threshold",
    begin: () => {
      const window: ColourCounts[] = [];
      return ({ green }) => {
        window.push(green);
        if (window.length > 5) window.shift();
        const [bad, of] = total(window, watched);
        return of === 0 ? 0 : bad / of;
      };
    },
  };
}

/** The two-proportion z-test on everything since the beginning, again every minute. */
export function zTest(watched: Watched): Rival {
  return {
    name: "z-test every minute",
    begin: () => {
      const blues: [number, number] = [0, 0];
      const greens: [number, number] = [0, 0];
      return ({ blue, green }) => {
        add(blues, total([blue], watched));
        add(greens, total([green], watched));
        const [[badB, b], [badG, g]] = [blues, greens];
        const both = (badB + badG) / (b + g);
        const spread = Math.sqrt(both * (1 - both) * (1 / b + 1 / g));
        return b === 0 || g === 0 || spread === 0 ? 0 : (badG / g - badB / b) / spread;
      };
    },
  };
}

function total(minutes: readonly ColourCounts[], watched: Watched): [bad: number, of: number] {
  const sum: [number, number] = [0, 0];
  for (const { requests, answered, errors, slow = 0 } of minutes) {
    add(sum, watched === "slow" ? [slow, answered] : [errors + requests - answered, requests]);
  }
  return sum;
}

function add(sum: [number, number], more: readonly [number, number]): void {
  sum[0] += more[0];
  sum[1] += more[1];
}
