/**
 * What every outage is played with: deployments under way, others asked for while it lasts, and afterwards the
 * question whether all that was acknowledged is there, once, and ended well.
 */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { z } from "zod";
import { region } from "../../support/quick-world.ts";
import type { RunningProcess } from "../../support/processes.ts";
import type { Answer, Asked, Stage } from "./stage.ts";

/** Under way when the outage begins; the first one is asked to roll back while it lasts. */
export const early = ["early-0", "early-1", "early-2"];
/** Asked for one after the other while it lasts. */
export const late = ["late-0", "late-1", "late-2", "late-3"];

export interface Outage {
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
  /** How long it lasts. */
  ms: number;
  /** What `GET /readyz` says meanwhile; 503 where Redis doesn't answer at all. */
  ready: 200 | 503;
  /** What a rollback is answered at first. It is asked for again and again while the outage lasts. */
  rollback: 202 | 503;
  /** Until every refused request is accepted again. */
  recoveryMsMax: number;
}

export interface Report {
  /** Deployments and commands that were acknowledged, before, while or after it lasted. */
  accepted: number;
  refused: number;
  /** Accepted deployments that ended as they should, each once. */
  ended: number;
  /** What of the accepted ones did not. */
  lost: string[];
  slowestRefusalMs: number;
  /** From the beginning of the outage until the rollback had all traffic on blue; undefined: not before the end. */
  backMs: number | undefined;
  /** From the end of the outage until a worker looked at AWS again; 0 where nothing was left to look at. */
  gapMs: number;
  /** The longest time from the beginning on in which no worker looked at AWS. */
  silenceMs: number;
  /** From the end of the outage until all that had been refused was accepted. */
  recoveryMs: number;
  /** What each process logged from the beginning of the outage to the very end, the most of them. */
  logged: Logged;
  /** Requests from the beginning of the outage to the very end, polls among them. */
  asked: Asked;
}

export interface Logged {
  lines: number;
  /** Of these, warnings, errors or plain text. */
  trouble: number;
  bytes: number;
}

/** The head of a table of reports, and a report's row of it. */
export const tableHead = [
  "| Redis | refused (503) | accepted requests | ended deployments | lost | log lines | of these, trouble |",
  "| --- | --- | --- | --- | --- | --- | --- |",
].join("\n");

export function rowOf(name: string, { refused, accepted, ended, lost, logged }: Report): string {
  const cells = [name, refused, accepted, ended, lost.length, logged.lines, logged.trouble];
  return `| ${cells.join(" | ")} |`;
}

const view = z.object({
  id: z.string(),
  service: z.string(),
  phase: z.string(),
  settled: z.boolean(),
  events: z.number(),
});
const page = z.object({ deployments: z.array(view) });
const history = z.object({ events: z.array(z.object({ seq: z.number() })) });

const pollMs = 100;
const insistMs = 500;
/** A limit of a command, the same again for the way there and back, and what a busy machine adds. */
const refusalMsMax = 12_000;
const endMsMax = 60_000;

export async function endure(stage: Stage, outage: Outage): Promise<Report> {
  const ids = new Map<string, string>();
  for (const service of early) {
    const answer = await deploy(stage, service);
    expect(answer).toMatchObject({ status: 201 });
    ids.set(service, idIn(answer));
  }
  await stage.until("under way", async () => ((await shifting(stage)) ? true : undefined), endMsMax);
  const processes = [stage.api, ...stage.workers];
  const before = new Map(processes.map((one) => [one.name, loggedBy(one)]));

  const askedBefore = stage.asked();
  await outage.begin();
  const beganAt = Date.now();
  const rollback = () =>
    stage.ask("POST", `/v1/deployments/${ids.get("early-0")}/commands`, {
      body: { command: "rollback" },
      key: "back",
    });
  const asked = [
    { what: "rollback", first: rollback(), again: rollback },
    ...late.map((service, i) => ({
      what: service,
      first: pause((i * outage.ms) / (late.length + 1)).then(() => deploy(stage, service)),
      again: () => deploy(stage, service),
    })),
  ];
  const ready = await stage.ask("GET", "/readyz");
  const insisting = insist(rollback, asked[0]?.first, beganAt + outage.ms);
  let backAt: number | undefined;
  while (Date.now() - beganAt < outage.ms) {
    await pause(Math.min(pollMs, outage.ms));
    backAt ??= blueAlone(stage, "early-0") ? Date.now() : undefined;
  }
  await outage.end();
  const endedAt = Date.now();
  await insisting;

  expect(ready.status).toBe(outage.ready);
  const firsts = await Promise.all(
    asked.map(async ({ what, first, again }) => ({ what, answer: await first, again })),
  );
  const refusals = firsts.filter(({ answer }) => answer.status === 503);
  for (const { what, answer } of firsts) {
    if (what === "rollback" && outage.rollback === 202) {
      expect(answer).toMatchObject({ status: 202 });
      continue;
    }
    expect({ what, ...answer }).toMatchObject({ status: 503, retryAfter: expect.any(Number) });
    expect(answer.tookMs).toBeLessThan(refusalMsMax);
  }
  // Where workers go on meanwhile, all may have ended before: then there is nothing to read.
  const seenAt = await stage.until(
    "read by a worker",
    async () =>
      stage.calledAt.find((at) => at > endedAt) ?? ((await allSettled(stage, ids)) ? endedAt : undefined),
    30_000,
  );
  const calls = [beganAt, ...stage.calledAt.filter((at) => at > beganAt && at <= seenAt)];
  const silenceMs = Math.max(...calls.map((at, i) => at - (calls[i - 1] ?? at)));

  // What was refused is not there unless it is asked for again.
  for (const service of late) {
    const found = await stage.until(
      "listed",
      async () => {
        const listed = await stage.ask("GET", `/v1/deployments?service=${service}`);
        return listed.status === 200 ? page.parse(JSON.parse(listed.body)).deployments : undefined;
      },
      outage.recoveryMsMax,
    );
    expect(found).toEqual([]);
  }

  for (const { what, again } of firsts) {
    const answer = await stage.until(
      `accepted: ${what}`,
      async () => {
        const repeated = await again();
        return repeated.status === 503 ? undefined : repeated;
      },
      outage.recoveryMsMax,
    );
    // What one of these tries carried out, though it could not be acknowledged, is answered as it was.
    expect([200, what === "rollback" ? 202 : 201], `${what}: ${answer.body}`).toContain(answer.status);
    if (what !== "rollback") ids.set(what, idIn(answer));
  }
  const recoveryMs = Date.now() - endedAt;

  const lost: string[] = [];
  for (const [service, id] of ids) {
    await expectEnded(stage, service, id).catch((error: unknown) =>
      lost.push(`${service}: ${String(error)}`),
    );
  }
  const logged: Logged[] = [];
  for (const one of processes) {
    const { name } = one;
    expect(await Promise.race([one.exited, Promise.resolve("runs")]), name).toBe("runs");
    logged.push(since(before.get(name), loggedBy(one)));
  }
  const most = (of: keyof Logged): number => Math.max(...logged.map((one) => one[of]));
  return {
    accepted: ids.size + 1,
    refused: refusals.length,
    ended: ids.size - lost.length,
    lost,
    slowestRefusalMs: Math.max(...refusals.map(({ answer }) => answer.tookMs)),
    backMs: backAt && backAt - beganAt,
    gapMs: seenAt - endedAt,
    silenceMs,
    recoveryMs,
    logged: { lines: most("lines"), trouble: most("trouble"), bytes: most("bytes") },
    asked: {
      all: stage.asked().all - askedBefore.all,
      refused: stage.asked().refused - askedBefore.refused,
    },
  };
}

/** Repeats what was refused, as the command line does, until it is accepted or time is up. */
async function insist(
  again: () => Promise<Answer>,
  first: Promise<Answer> | undefined,
  until: number,
): Promise<void> {
  let answer = await first;
  while (answer?.status === 503 && Date.now() < until) {
    await pause(insistMs);
    answer = await again();
  }
}

function deploy(stage: Stage, service: string): Promise<Answer> {
  const body = { service, images: { app: "demo/app:2" } };
  return stage.ask("POST", "/v1/deployments", { body, key: `deploy-${service}` });
}

function idIn(answer: Answer): string {
  return view.parse(JSON.parse(answer.body)).id;
}

/** Whether each of the early ones has green under traffic and is not yet through. */
async function shifting(stage: Stage): Promise<boolean> {
  const answer = await stage.ask("GET", "/v1/deployments?limit=100");
  const { deployments } = page.parse(JSON.parse(answer.body));
  const isUnderWay = (service: string) =>
    !blueAlone(stage, service) && deployments.some((d) => d.service === service && d.phase === "shifting");
  return early.every(isUnderWay);
}

async function settled(stage: Stage, id: string): Promise<z.output<typeof view> | undefined> {
  const answer = await stage.ask("GET", `/v1/deployments/${id}`);
  if (answer.status !== 200) return undefined;
  const d = view.parse(JSON.parse(answer.body));
  return d.settled ? d : undefined;
}

async function allSettled(stage: Stage, ids: ReadonlyMap<string, string>): Promise<boolean> {
  const found = await Promise.all([...ids.values()].map((id) => settled(stage, id)));
  return found.every((d) => d !== undefined);
}

/** It is there, once, its history whole, and ended well. */
async function expectEnded(stage: Stage, service: string, id: string): Promise<void> {
  const d = await stage.until(`${id} ended`, () => settled(stage, id), endMsMax);
  assert.deepEqual([d.service, d.phase], [service, service === "early-0" ? "rolled_back" : "succeeded"]);
  await expectWhole(stage, d);
  expectOneSet(stage, service, d.phase);
}

async function expectWhole(stage: Stage, { id, service, events }: z.output<typeof view>): Promise<void> {
  const told = await stage.ask("GET", `/v1/deployments/${id}/events?limit=500`);
  const seqs = history.parse(JSON.parse(told.body)).events.map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: events }, (_, i) => i));
  const listed = await stage.ask("GET", `/v1/deployments?service=${service}`);
  expect(page.parse(JSON.parse(listed.body)).deployments.map((d) => d.id)).toEqual([id]);
}

/** AWS was asked for one set, and one is left: green, or blue after the rollback. */
function expectOneSet(stage: Stage, service: string, phase: string): void {
  const { aws } = stage.local;
  const [found] = aws.ecs(region, "DescribeServices", { cluster: "prod", services: [service] }).services;
  const sets = (found?.taskSets ?? []).map(({ status, taskDefinition }) => ({ status, taskDefinition }));
  const revision = phase === "rolled_back" ? 1 : 2;
  expect(sets).toEqual([
    { status: "PRIMARY", taskDefinition: expect.stringMatching(new RegExp(`:${revision}$`)) },
  ]);
  // Blue's is made with the world, before anybody listens.
  expect([...(stage.made.get(service) ?? [])]).toHaveLength(1);
}

/** Whether no route of the service gives the second group, green's, any weight. */
function blueAlone({ local, arns }: Stage, service: string): boolean {
  const { Listeners } = local.aws.elb(region, "DescribeListeners", {
    ListenerArns: [arns.listeners[service] ?? ""],
  });
  const { Rules } = local.aws.elb(region, "DescribeRules", {
    RuleArns: [arns.rules[`${service}-api`] ?? ""],
  });
  return [Listeners[0]?.DefaultActions, Rules[0]?.Actions].every((actions) =>
    actions?.every((action) =>
      action.ForwardConfig?.TargetGroups?.every(
        ({ TargetGroupArn, Weight }) => TargetGroupArn !== arns.targetGroups[`${service}-b`] || Weight === 0,
      ),
    ),
  );
}

/** Trouble is lines that are no ordinary progress: a flood of them would fill a disk. */
function loggedBy(one: RunningProcess): Logged {
  const lines = one
    .output()
    .split("\n")
    .filter((line) => line !== "");
  const trouble = lines.filter((line) => !/^\{"level":"(info|debug)"/.test(line));
  return { lines: lines.length, trouble: trouble.length, bytes: one.bytes() };
}

function since(before: Logged | undefined, now: Logged): Logged {
  const { lines, trouble, bytes } = before ?? { lines: 0, trouble: 0, bytes: 0 };
  return { lines: now.lines - lines, trouble: now.trouble - trouble, bytes: now.bytes - bytes };
}
