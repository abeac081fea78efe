/**
 * How often the verdict is wrong and how soon it is right, in worlds dealt from a seed, beside a fixed threshold and
 * a z-test that are each tuned to the alpha that the verdict promises: on hours like those they are then asked about,
 * with 1 % errors and 5 % slow answers. What the columns mean is in docs/verdict.md.
 */
import { seededRandom } from "../../sandbox/random.ts";
import { verdictDefaults } from "../../src/deployment/verdict/verdict.ts";
import { quantile } from "../figures.ts";
import { type Look, type Rival, threshold, uncapped, verdict, zTest } from "./rivals.ts";
import { minutesOf, type World } from "./traffic.ts";

export interface Sizes {
  seed: number;
  /** That of the verdict, to which the others are tuned. */
  alpha: number;
  /** Of each kind of world without a difference, and with one. */
  alike: number;
  worse: number;
  /** Whole days without a difference. */
  days: number;
}

export const full: Sizes = { seed: 1, alpha: verdictDefaults.alpha, alike: 5_000, worse: 1_000, days: 500 };

type Watched = "errors" | "slow";
interface Contender {
  rival: Rival;
  limit: number;
}

const hour = 60;
const day = 24 * hour;
const alike = { errors: 0.01, slow: 0.05 };
const tenth = { green: 1_000, share: 0.1, blue: alike };
const half = { green: 1_000, share: 0.5, blue: alike };

/** The share of runs with an alarm. */
export interface Alarms {
  what: string;
  runs: number;
  /** By the name of who raised it. */
  shares: Record<string, number>;
}

/** Minutes from the beginning of the trouble until the alarm; Infinity where it never came. */
export interface Found {
  what: string;
  minutes: Record<string, { median: number; p90: number }>;
}

/** 99 % of a normal distribution lie below it: what the z-test takes who forgets that it is asked 60 times. */
const zOfOneLook = 2.326;

export function falseAlarms(sizes: Sizes): Alarms[] {
  const contenders = [
    ...contendersOf("errors", tenth, sizes),
    { rival: { ...zTest("errors"), name: "z-test, not tuned" }, limit: zOfOneLook },
  ];
  const withErrors = (errors: number): World => ({ ...tenth, blue: { ...alike, errors } });
  const rows: [string, World, number, number][] = [
    ["0.1 % errors", withErrors(0.001), hour, sizes.alike],
    ["1 % errors", tenth, hour, sizes.alike],
    ["5 % errors", withErrors(0.05), hour, sizes.alike],
    ["1 % errors, half and half", half, hour, sizes.alike],
    ["1 % errors, green 1.1 % as it may", { ...tenth, worse: { errors: 0.011 } }, hour, sizes.alike],
    [
      "0.5 % errors, tasks with bad minutes",
      { ...withErrors(0.005), bursts: { chance: 1 / 240, failing: 0.3 } },
      hour,
      sizes.alike,
    ],
    ["1 % errors, for 24 hours", tenth, day, sizes.days],
  ];
  return rows.map(([what, world, minutes, runs]) => {
    const times = runsOf(world, contenders, minutes, runs, sizes.seed);
    return { what, runs, shares: mapped(times, (all) => all.filter(Number.isFinite).length / all.length) };
  });
}

export function found(sizes: Sizes): Found[] {
  const rows: [string, World["worse"], Watched | "traffic", number?][] = [
    ["1 % → 2 % errors", { errors: 0.02 }, "errors"],
    ["1 % → 5 % errors", { errors: 0.05 }, "errors"],
    ["the same after two good hours", { errors: 0.05 }, "errors", 2 * hour],
    ["5 % → 10 % slow answers", { slow: 0.1 }, "slow"],
    ["5 % → 22 % slow answers", { slow: 0.22 }, "slow"],
    ["1 % unanswered beside 1 % errors", { unanswered: 0.01 }, "errors"],
    ["green hangs", { unanswered: 1 }, "errors"],
    ["green stays empty", { empty: true }, "traffic"],
  ];
  return [
    { name: "10 %", world: tenth },
    { name: "50 %", world: half },
  ].flatMap(({ name, world }) => {
    const errors = contendersOf("errors", world, sizes);
    // Only the verdict looks at how the traffic is shared.
    const contenders = { errors, slow: contendersOf("slow", world, sizes), traffic: errors.slice(0, 1) };
    return rows.map(([what, worse, watched, from = 0]) => {
      const times = runsOf(
        { ...world, worse, from },
        contenders[watched],
        from + hour,
        sizes.worse,
        sizes.seed,
      );
      // An alarm before the trouble is a false one: it found nothing.
      const waited = mapped(times, (all) => all.map((at) => (at > from ? at - from : Infinity)));
      return {
        what: `${what}, at ${name}`,
        minutes: mapped(waited, (all) => ({ median: quantile(all, 0.5), p90: quantile(all, 0.9) })),
      };
    });
  });
}

/** Alarms by the time green has had as many requests as it needs to be called fine, 25 a minute at 10 %. */
export function inTime(sizes: Sizes): Alarms[] {
  const contenders = contendersOf("errors", tenth, sizes).slice(0, 1);
  const minutes = verdictDefaults.leastRequests / 25;
  const rows = [
    [0.001, 0.02],
    [0.001, 0.05],
    [0.01, 0.03],
    [0.01, 0.05],
    [0.01, 0.1],
  ] as const;
  return rows.map(([before, after]) => {
    const blue = { ...alike, errors: before };
    const world = { green: 25, share: 0.1, blue, worse: { errors: after } };
    const times = runsOf(world, contenders, minutes, sizes.worse, sizes.seed);
    return {
      what: `${100 * before} % → ${100 * after} % errors`,
      runs: sizes.worse,
      shares: mapped(times, (all) => all.filter(Number.isFinite).length / all.length),
    };
  });
}

/** All as Markdown. */
export function markdown(
  alarms: readonly Alarms[],
  finds: readonly Found[],
  early: readonly Alarms[],
): string {
  return [
    shares("false alarms", alarms),
    lines(
      "minutes until found: median (90 %)",
      finds.map(({ what, minutes }) => ({
        what,
        cells: mapped(minutes, ({ median, p90 }) =>
          median === Infinity ? "not within the hour" : `${median} (${p90 === Infinity ? "> 60" : p90})`,
        ),
      })),
    ),
    shares(`found within ${verdictDefaults.leastRequests} requests`, early),
  ].join("\n\n");
}

function shares(head: string, alarms: readonly Alarms[]): string {
  return lines(
    head,
    alarms.map(({ what, runs, shares }) => ({
      what: `${what} (${runs.toLocaleString("en-US")} runs)`,
      cells: mapped(shares, (share) => (share === 0 ? "none" : `${Number((100 * share).toPrecision(2))} %`)),
    })),
  );
}

/** The verdict as it is, and the others with what is needed for its alpha. */
function contendersOf(watched: Watched, world: World, sizes: Sizes): Contender[] {
  const { alpha } = sizes;
  const tuned = [threshold(watched), zTest(watched)];
  const highest = new Map(tuned.map(({ name }) => [name, [] as number[]]));
  for (let run = 0; run < sizes.alike; run++) {
    const looks = tuned.map((rival) => ({ name: rival.name, look: rival.begin(), most: -Infinity }));
    let left = hour;
    // Other seeds than those of the worlds they are then tried on.
    for (const minute of minutesOf(world, seededRandom(sizes.seed + 1_000_003 * (run + 1)))) {
      for (const one of looks) one.most = Math.max(one.most, one.look(minute));
      if (--left === 0) break;
    }
    for (const { name, most } of looks) highest.get(name)?.push(most);
  }
  const cautious =
    watched === "errors"
      ? uncapped("errors", 1 + verdictDefaults.tolerance, 0.0001)
      : uncapped("slow", 1.5, 0.005);
  return [
    { rival: verdict({ ...verdictDefaults, alpha, slowSeconds: 0.5 }), limit: 0 },
    { rival: cautious, limit: Math.log(3 / alpha) },
    ...tuned.map((rival) => ({ rival, limit: quantile(highest.get(rival.name) ?? [], 1 - alpha) })),
  ];
}

/** For each contender, after how many minutes each run raised its alarm. */
function runsOf(
  world: World,
  contenders: readonly Contender[],
  minutes: number,
  runs: number,
  seed: number,
): Record<string, number[]> {
  const times = Object.fromEntries(contenders.map(({ rival }) => [rival.name, [] as number[]]));
  for (let run = 0; run < runs; run++) {
    let quiet: { name: string; limit: number; look: Look }[] = contenders.map(({ rival, limit }) => ({
      name: rival.name,
      limit,
      look: rival.begin(),
    }));
    let minute = 0;
    for (const counted of minutesOf(world, seededRandom(seed + 7_919 * run))) {
      minute += 1;
      quiet = quiet.filter(({ name, limit, look }) => {
        if (look(counted) <= limit) return true;
        times[name]?.push(minute);
        return false;
      });
      if (minute === minutes || quiet.length === 0) break;
    }
    for (const { name } of quiet) times[name]?.push(Infinity);
  }
  return times;
}

function lines(head: string, rows: readonly { what: string; cells: Record<string, string> }[]): string {
  const names = Object.keys(rows[0]?.cells ?? {});
  const table = [
    [head, ...names],
    ["---", ...names.map(() => "---")],
    ...rows.map(({ what, cells }) => [what, ...names.map((name) => cells[name] ?? "–")]),
  ];
  const widths = [head, ...names].map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table
    .map((row) =>
      row
        .map((cell, column) =>
          cell === "---" ? "-".repeat(widths[column] ?? 3) : cell.padEnd(widths[column] ?? 0),
        )
        .join(" | "),
    )
    .map((row) => `| ${row} |`)
    .join("\n");
}

function mapped<From, To>(record: Record<string, From>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
}
