import type { Clock } from "../clock.ts";
import { Histogram } from "./histogram.ts";

/** What a load balancer counts for one target group, under the names of `AWS/ApplicationELB`. */
export interface GroupCounts {
  loadBalancerArn: string;
  targetGroupArn: string;
  /** Requests for which a target of the group was chosen. */
  RequestCount: number;
  HTTPCode_Target_2XX_Count: number;
  HTTPCode_Target_3XX_Count: number;
  HTTPCode_Target_4XX_Count: number;
  HTTPCode_Target_5XX_Count: number;
  /** Connections to a target that weren't established; those requests are in no `HTTPCode_Target_*`. */
  TargetConnectionErrorCount: number;
  /** From the request's leaving the balancer to the head of the target's answer. */
  responseTimes: Histogram;
}

/** What a load balancer counts for itself: these have no target group. */
export interface BalancerCounts {
  loadBalancerArn: string;
  HTTPCode_ELB_4XX_Count: number;
  HTTPCode_ELB_5XX_Count: number;
  HTTPCode_ELB_502_Count: number;
  HTTPCode_ELB_503_Count: number;
  HTTPCode_ELB_504_Count: number;
  HTTP_Fixed_Response_Count: number;
  HTTP_Redirect_Count: number;
}

/** Counts of one stretch of time. Groups and balancers without traffic are missing, as on AWS. */
export interface Counts {
  groups: GroupCounts[];
  balancers: BalancerCounts[];
}

/** One clock minute; it is closed once the clock is past its end. */
export interface Minute extends Counts {
  startMs: number;
}

/** Three hours, as long as CloudWatch keeps its finest points. */
export const minutesKept = 180;

export const minuteMs = 60_000;

/**
 * Counts requests by minute and since the last reset; keeps a bounded number of minutes. Whatever carries requests
 * tells it of them, a balancer that listens one by one, a steady flow many at a time; CloudWatch reads it.
 */
export class Recorder {
  readonly #clock: Clock;
  readonly #minutes: Ledger[] = [];
  #total: Ledger;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#total = new Ledger(clock.now());
  }

  /** A target was chosen. */
  requested(loadBalancerArn: string, targetGroupArn: string, times = 1): void {
    for (const ledger of this.#open()) ledger.group(loadBalancerArn, targetGroupArn).RequestCount += times;
  }

  /** The head of the target's answer has come. */
  answered(loadBalancerArn: string, targetGroupArn: string, status: number, tookMs: number, times = 1): void {
    for (const ledger of this.#open()) {
      const group = ledger.group(loadBalancerArn, targetGroupArn);
      if (status >= 500) group.HTTPCode_Target_5XX_Count += times;
      else if (status >= 400) group.HTTPCode_Target_4XX_Count += times;
      else if (status >= 300) group.HTTPCode_Target_3XX_Count += times;
      else if (status >= 200) group.HTTPCode_Target_2XX_Count += times;
      group.responseTimes.add(tookMs, times);
    }
  }

  /** No connection to the chosen target could be established. */
  unreachable(loadBalancerArn: string, targetGroupArn: string, times = 1): void {
    for (const ledger of this.#open())
      ledger.group(loadBalancerArn, targetGroupArn).TargetConnectionErrorCount += times;
  }

  /** The balancer answered by itself. */
  answeredItself(
    loadBalancerArn: string,
    as: "fixed" | "redirect" | "error",
    status: number,
    times = 1,
  ): void {
    for (const ledger of this.#open()) {
      const balancer = ledger.balancer(loadBalancerArn);
      if (as === "fixed") balancer.HTTP_Fixed_Response_Count += times;
      else if (as === "redirect") balancer.HTTP_Redirect_Count += times;
      else if (status >= 500) {
        balancer.HTTPCode_ELB_5XX_Count += times;
        if (status === 502) balancer.HTTPCode_ELB_502_Count += times;
        else if (status === 503) balancer.HTTPCode_ELB_503_Count += times;
        else if (status === 504) balancer.HTTPCode_ELB_504_Count += times;
      } else balancer.HTTPCode_ELB_4XX_Count += times;
    }
  }

  /** The minutes that begin within [fromMs, toMs), oldest first, the open one among them; none without traffic. */
  minutes(fromMs: number, toMs: number): Minute[] {
    return this.#minutes
      .filter((ledger) => ledger.startMs >= fromMs && ledger.startMs < toMs)
      .map((ledger) => ledger.read());
  }

  /** Everything since the start or the last reset, which was at `startMs`. */
  totals(): Minute {
    return this.#total.read();
  }

  /** Begins the totals anew; the minutes stay. */
  reset(): void {
    this.#total = new Ledger(this.#clock.now());
  }

  #open(): readonly [Ledger, Ledger] {
    const startMs = Math.floor(this.#clock.now() / minuteMs) * minuteMs;
    let minute = this.#minutes.at(-1);
    if (minute === undefined || minute.startMs < startMs) {
      minute = new Ledger(startMs);
      if (this.#minutes.push(minute) > minutesKept) this.#minutes.shift();
    }
    return [minute, this.#total];
  }
}

class Ledger {
  readonly startMs: number;
  /** By target group; a group belongs to one load balancer. */
  readonly #groups = new Map<string, GroupCounts>();
  readonly #balancers = new Map<string, BalancerCounts>();

  constructor(startMs: number) {
    this.startMs = startMs;
  }

  group(loadBalancerArn: string, targetGroupArn: string): GroupCounts {
    let counts = this.#groups.get(targetGroupArn);
    if (counts === undefined) {
      counts = {
        loadBalancerArn,
        targetGroupArn,
        RequestCount: 0,
        HTTPCode_Target_2XX_Count: 0,
        HTTPCode_Target_3XX_Count: 0,
        HTTPCode_Target_4XX_Count: 0,
        HTTPCode_Target_5XX_Count: 0,
        TargetConnectionErrorCount: 0,
        responseTimes: new Histogram(),
      };
      this.#groups.set(targetGroupArn, counts);
    }
    return counts;
  }

  balancer(loadBalancerArn: string): BalancerCounts {
    let counts = this.#balancers.get(loadBalancerArn);
    if (counts === undefined) {
      counts = {
        loadBalancerArn,
        HTTPCode_ELB_4XX_Count: 0,
        HTTPCode_ELB_5XX_Count: 0,
        HTTPCode_ELB_502_Count: 0,
        HTTPCode_ELB_503_Count: 0,
        HTTPCode_ELB_504_Count: 0,
        HTTP_Fixed_Response_Count: 0,
        HTTP_Redirect_Count: 0,
      };
      this.#balancers.set(loadBalancerArn, counts);
    }
    return counts;
  }

  read(): Minute {
    return {
      startMs: this.startMs,
      groups: Array.from(this.#groups.values(), (counts) => ({ ...counts })),
      balancers: Array.from(this.#balancers.values(), (counts) => ({ ...counts })),
    };
  }
}
