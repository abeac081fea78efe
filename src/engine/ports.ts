/** What the engine needs of the world. Adapters implement these; nothing here knows Redis, BullMQ or the SDK. */
import type { AuditLine } from "../deployment/audit.ts";
import type { Ask, Measured } from "../deployment/check.ts";
import type { Command } from "../deployment/command.ts";
import type { Decision } from "../deployment/decision.ts";
import type { AwsEffect } from "../deployment/effect.ts";
import type { DeploymentEvent } from "../deployment/event.ts";
import type { HookRequest } from "../deployment/hook.ts";
import type { Look, Outcome, Reading, Seen, SlotSeen } from "../deployment/observation.ts";
import type { Phase } from "../deployment/phases.ts";
import type { Deployment } from "../deployment/record.ts";
import type { Report } from "../deployment/report.ts";
import type { ServiceTarget } from "../deployment/target.ts";

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** A right to commit, given up to whoever claims next. */
export interface Claim {
  id: string;
  epoch: number;
}

export interface Claimed {
  claim: Claim;
  deployment: Deployment;
  /** Counts commits; part of the compare-and-set. */
  version: number;
  inbox: Command[];
  slot: SlotSeen;
}

export type Committed =
  | { kind: "committed"; version: number; inbox: Command[]; slot: SlotSeen; wake: string[] }
  /** Commands arrived or the slot changed since; decide again on these. Nothing was written. */
  | { kind: "again"; inbox: Command[]; slot: SlotSeen }
  /** Somebody else claimed it, or the record is gone. Nothing was written. */
  | { kind: "lost" };

export type Created =
  /** `asked`: whose inbox the command of `first` is in. */
  | { kind: "created"; deployment: Deployment; asked?: string }
  /** The same idempotency key created this one before. */
  | { kind: "existing"; deployment: Deployment }
  | { kind: "busy"; acting: string }
  /** A newer build was accepted before. */
  | { kind: "stale"; accepted: number }
  | { kind: "conflict" };

/** Who has a service, who waits for it, and how far its builds have come. */
export interface Slot extends SlotSeen {
  /** The greatest build that was accepted. */
  build?: number;
}

export interface DeploymentPage {
  deployments: Deployment[];
  /** Pass as `before` to go on; absent at the end. */
  next?: string;
}

export interface AuditQuery {
  service?: string;
  /** Moments, ms since the epoch: from `since` on, and before `until`. */
  since?: number;
  until?: number;
  fits?: (line: AuditLine) => boolean;
  /** At most 100. */
  limit: number;
  /** `next` of the page before. */
  before?: string;
}

export interface AuditPage {
  lines: AuditLine[];
  next?: string;
}

/**
 * Records, inboxes, events and slots, kept together so that a commit is one atomic step. Every method may throw
 * `TealError('unavailable')`: then it is unknown whether it took effect, and all but `post` are safe to repeat.
 */
export interface Records {
  /**
   * Accepts a deployment: its record (phase `queued`), first events, place in the service's queue and due time.
   * With nobody acting and an empty queue it gets the slot at once. Atomic. With `first` it waits before all others,
   * however many there are, and whoever acts on the service gets this command: the way back is held up by nobody.
   */
  create(
    deployment: Deployment,
    events: DeploymentEvent[],
    options: {
      whenBusy: "queue" | "reject";
      first?: Command;
      idempotencyKey?: string;
      fingerprint?: string;
      /** Refused where it is lower than the last accepted one of the service, unless forced. */
      build?: { number: number; force: boolean };
    },
  ): Promise<Created>;
  /** Takes the deployment over: epoch + 1. Undefined where there is no such record. */
  claim(id: string): Promise<Claimed | undefined>;
  /** Whether the claim is still the latest one. */
  holds(claim: Claim): Promise<boolean>;
  /**
   * Writes a decision if the claim is the latest, the version is the expected one, the inbox holds exactly the
   * commands that were decided on, and the slot is as it was seen; trims those commands; sets the due time (now
   * while the inbox isn't empty). `wake` lists other deployments that became due by it (told, spawned, next in
   * the queue).
   */
  commit(
    claimed: Pick<Claimed, "claim" | "version" | "inbox" | "slot">,
    decision: Decision,
    now: number,
  ): Promise<Committed>;
  /** Appends to the inbox and makes the deployment due now. A command with an id already seen is dropped. */
  post(id: string, command: Command, now: number): Promise<"posted" | "absent">;
  load(id: string): Promise<Deployment | undefined>;
  /** Of a service that nothing was ever asked of too. */
  slot(service: string): Promise<Slot>;
  /** Newest first. `limit` at most 100. */
  list(filter: {
    service?: string;
    phases?: Phase[];
    before?: string;
    limit: number;
  }): Promise<DeploymentPage>;
  /** Events with `seq` ≥ `from`, oldest first, at most `limit`. */
  events(id: string, from: number, limit: number): Promise<DeploymentEvent[]>;
  /**
   * The audit: commands and calls of all deployments, newest first, as far back as their events and the index of them
   * are kept. A page may be short, or empty, and still have a next one.
   */
  audit(query: AuditQuery): Promise<AuditPage>;
  /** Calls back with the id whenever a deployment was committed; best effort, a hint to read. */
  subscribe(listener: (id: string) => void): Promise<() => Promise<void>>;
  /** Ids that were due before `before` (ms since the epoch), oldest first; the first `skip` are left out. */
  due(before: number, limit: number, skip?: number): Promise<string[]>;
  /** When the next turn of a deployment is due, ms since the epoch; undefined: never, until a command comes. */
  dueAt(id: string): Promise<number | undefined>;
}

/** Wake-ups; the records are the truth, so a wake-up may be lost, late or doubled without harm. */
export interface Wakes {
  /** Makes a worker run turns of this deployment soon. Safe to repeat. */
  wake(id: string): Promise<void>;
}

/** Which deployments' task sets were last found without a record, ids by their tags. */
export interface StraysFound {
  at: number;
  deployments: string[];
}

/** What the last look for strays found, service by service, for whoever asks without looking. Safe to repeat. */
export interface StrayBook {
  write(service: string, found: StraysFound): Promise<void>;
  /** What was written lately; services that nobody looked at are left out. Throws `unavailable`. */
  read(services: string[]): Promise<Record<string, StraysFound>>;
  /** True for the first caller in `everyMs`: who is to tell people of this stray. */
  mayTell(service: string, deployment: string, everyMs: number): Promise<boolean>;
}

/** Checked before every HTTP attempt of a mutating call, the SDK's own retries included. */
export interface Guard {
  /** No attempt starts after this moment, ms since the epoch. */
  deadline: number;
  /** Whether the claim still holds; asked before each attempt. */
  allowed(): Promise<boolean>;
}

/** AWS, as far as deployments need it. Neither method throws: a failed read or call is a `Fault` in the answer. */
export interface Cloud {
  /** Reads what is asked for, all of it begun after the call; each call ends by `deadline` (ms since the epoch). */
  look(target: ServiceTarget, look: Look, deadline: number): Promise<Omit<Seen, "slot" | "outcome">>;
  /** Performs one effect under the guard. */
  perform(target: ServiceTarget, effect: AwsEffect, guard: Guard): Promise<Outcome>;
}

/** Measuring for checks, at AWS or elsewhere. Only reads, so it is safe to repeat. */
export interface Gauge {
  /** Never throws: what fails is a `Fault` in the answer. Ends by `deadline`, ms since the epoch. */
  measure(target: ServiceTarget, ask: Ask, deadline: number): Promise<Reading<Measured>>;
}

/** Calls to others' systems. */
export interface Hooks {
  /**
   * Calls a hook once, under the guard. The call carries an idempotency key, so the other side can tell a repeat.
   * Never throws. `done` with `value.hook` where it answered in the hook's language, `refused` where it said
   * something else (class `repeat` for what may pass, `refuse` for what won't), `unknown` where nobody knows
   * whether it arrived.
   */
  call(request: HookRequest, guard: Guard): Promise<Outcome>;
}

/** What GitHub calls a deployment: a commit, branch or tag of a repository in an environment. */
export interface GithubDeployment {
  repository: string;
  ref: string;
  environment: string;
}

/** Telling GitHub of deployments. Every method ends by `deadline` and throws TealError('unavailable'). */
export interface Github {
  /** The number of GitHub's newest deployment of it that is this one of ours, or nobody's. Safe to repeat. */
  find(of: GithubDeployment, id: string, deadline: number): Promise<number | undefined>;
  /** Makes one for ours, and gives its number. Repeating it makes another one: `find` first. */
  make(of: GithubDeployment, id: string, description: string, deadline: number): Promise<number>;
  /** Safe to repeat. */
  tell(
    of: GithubDeployment,
    number: number,
    status: { state: Report["state"]; description: string; url?: string },
    deadline: number,
  ): Promise<void>;
}

/** What was told of one deployment. */
export interface Told {
  /** GitHub's number of it, once there is one. */
  number?: number;
  /** A request to make one was about to be sent. */
  making?: true;
  /** The mark of the last report that arrived. */
  mark?: string;
  /** Since when reports fail, how many in a row, and when the next is tried. */
  trouble?: { since: number; count: number; nextAt: number };
}

/** What was told of which deployments. Every method throws `unavailable`; all are safe to repeat. */
export interface ReportBook {
  /** In the order of the ids; forgotten after 40 days. */
  read(ids: readonly string[]): Promise<(Told | undefined)[]>;
  /** @param open whether more will be told of it */
  write(id: string, told: Told, open: boolean): Promise<void>;
  /** Those of which more will be told, at most 500, longest known first. */
  open(): Promise<string[]>;
  /** True for one caller at a time, for so long at most: who is to tell now. */
  take(ms: number): Promise<boolean>;
  /** Lets the next one, where it was taken. */
  leave(): Promise<void>;
}
