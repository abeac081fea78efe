/**
 * Tells GitHub of deployments. What is told is how a deployment stands now, as far as that wasn't told: so nothing is
 * told twice or out of order but where an answer was lost, an outage leaves nothing behind but what is true by then,
 * and no deployment waits for it.
 */
import { isTerminal } from "../src/deployment/phases.ts";
import type { Deployment } from "../src/deployment/record.ts";
import { reportOf } from "../src/deployment/report.ts";
import type { Clock, Github, GithubDeployment, Records, ReportBook, Told } from "../src/engine/ports.ts";
import { TealError } from "../src/errors.ts";
import type { TroubleLog } from "../src/telemetry.ts";
import { type RoundOptions, startRounds } from "./rounds.ts";

/** What a deployment is on GitHub. */
export interface Place extends GithubDeployment {
  /** GitHub's number, where it asked for the deployment by one of its own. */
  number?: number;
  /** A workflow with an environment has a deployment of its own, which GitHub made. */
  made: boolean;
  /** The page of what started it. */
  url?: string;
}

export interface ReportParts {
  records: Pick<Records, "load" | "list">;
  book: ReportBook;
  github: Github;
  /** Undefined for what isn't told of. */
  place: (d: Deployment) => Place | undefined;
  clock: Clock;
  log: TroubleLog;
}

export const limits = {
  everyMs: 5_000,
  /** Of the newest deployments, so many are looked at for such that nothing was told of. */
  newest: 100,
  /** What ended longer ago, and nothing was told of, is history. */
  newMs: 10 * 60_000,
  /** A round that takes longer leaves the rest to the next one. */
  roundMs: 30_000,
  callMs: 10_000,
  /** Between attempts: doubled from the first to the last; given up after so long. */
  retryMs: { first: 5_000, last: 10 * 60_000, all: 24 * 3_600_000 },
  /** So many that fail in a row end a round: GitHub is out. */
  failures: 3,
} as const;

/** One round: tells what there is to tell, and gives how many reports arrived. Safe to repeat. */
export async function report(parts: ReportParts): Promise<number> {
  const { book, clock } = parts;
  // Longer than a round with its last calls.
  if (!(await book.take(2 * limits.roundMs))) return 0;
  const until = clock.now() + limits.roundMs;
  let arrived = 0;
  let failed = 0;
  try {
    for (const [d, told] of await toLookAt(parts)) {
      if (clock.now() >= until || failed >= limits.failures) break;
      const came = await reportOne(parts, d, told);
      if (came === undefined) continue;
      failed = came ? 0 : failed + 1;
      arrived += came ? 1 : 0;
    }
  } finally {
    await book.leave();
  }
  return arrived;
}

/** Those that more will be told of, and new ones. */
async function toLookAt({ records, book, clock }: ReportParts): Promise<[Deployment, Told | undefined][]> {
  const { deployments } = await records.list({ limit: limits.newest });
  const ids = new Set(deployments.map(({ id }) => id));
  const open = new Set(await book.open());
  const older = [...open].filter((id) => !ids.has(id));
  for (const id of older) {
    const d = await records.load(id);
    if (d) deployments.push(d);
    else await book.write(id, {}, false);
  }
  const told = await book.read(deployments.map(({ id }) => id));
  return deployments.flatMap((d, index): [Deployment, Told | undefined][] => {
    const known = told[index];
    const news = known === undefined && !(isTerminal(d.phase) && clock.now() - d.phaseSince > limits.newMs);
    return news || open.has(d.id) ? [[d, known]] : [];
  });
}

/** Whether it arrived; undefined where there was nothing to tell, or not yet. */
async function reportOne(parts: ReportParts, d: Deployment, told: Told = {}): Promise<boolean | undefined> {
  const { book, github, clock, log } = parts;
  const place = parts.place(d);
  if (!place) {
    await book.write(d.id, told, false);
    return undefined;
  }
  const { mark, state, description, last } = reportOf(d);
  if (mark === told.mark) {
    if (last) await book.write(d.id, told, false);
    return undefined;
  }
  if (told.trouble && clock.now() < told.trouble.nextAt) return undefined;
  let known = told;
  const keep = async (change: Told): Promise<void> => {
    known = change;
    await book.write(d.id, known, true);
  };
  try {
    const number = known.number ?? (await numberOf(place));
    const status = { state, description, ...(place.url !== undefined && { url: place.url }) };
    await github.tell(place, number, status, clock.now() + limits.callMs);
    await book.write(d.id, { number, mark }, !last);
    return true;
  } catch (error) {
    if (!(error instanceof TealError)) throw error;
    const { since, count, nextAt } = nextTrouble(known.trouble, clock.now());
    const over = clock.now() - since > limits.retryMs.all;
    log.warn(
      { deploymentId: d.id, repository: place.repository, err: error, count },
      over ? "GitHub can't be told of a deployment; given up" : "GitHub can't be told of a deployment yet",
    );
    await book.write(d.id, { ...known, trouble: { since, count, nextAt } }, !over);
    return false;
  }

  async function numberOf(of: Place): Promise<number> {
    const found =
      of.number ??
      (of.made || known.making ? await github.find(of, d.id, clock.now() + limits.callMs) : undefined);
    if (found !== undefined) {
      await keep({ ...known, number: found });
      return found;
    }
    await keep({ ...known, making: true });
    const made = await github.make(of, d.id, description, clock.now() + limits.callMs);
    await keep({ ...known, number: made });
    return made;
  }
}

function nextTrouble(before: Told["trouble"], now: number): NonNullable<Told["trouble"]> {
  const { first, last } = limits.retryMs;
  const { since = now, count = 0 } = before ?? {};
  return { since, count: count + 1, nextAt: now + Math.min(last, first * 2 ** Math.min(count, 20)) };
}

export function startReports(parts: ReportParts & Omit<RoundOptions, "everyMs">): { stop(): Promise<void> } {
  return startRounds("reports", () => report(parts), { ...parts, everyMs: limits.everyMs });
}
