import { seededRandom } from "../../random.ts";
import { minuteMs, minutesKept, type Minute, type Recorder } from "../../traffic/recorder.ts";
import type { Region } from "../region.ts";
import type { Alarm } from "./alarm.ts";
import * as applicationElb from "./applicationElb.ts";
import { judgeAlarms } from "./judge.ts";
import { sampleHosts, type HostSample } from "./hosts.ts";
import { metricKey, type Point } from "./samples.ts";
import type { MetricName } from "./shapes.ts";

/** A metric that somebody published. */
export interface CustomMetric {
  name: MetricName;
  /** Oldest first. */
  points: Point[];
}

/** CloudWatch in one region of one account: what was published, what the load balancers counted, and the alarms on both. */
export class CloudWatch {
  readonly region: Region;
  /** By `metricKey`. */
  readonly custom = new Map<string, CustomMetric>();
  /** By name, metric alarms and composite ones. */
  readonly alarms = new Map<string, Alarm>();
  readonly #recorder: Recorder;
  readonly #seed: number;
  #hosts: HostSample[] = [];

  constructor(region: Region, recorder: Recorder, seed: number) {
    this.region = region;
    this.#recorder = recorder;
    this.#seed = seed;
  }

  /** The points of one metric in [fromMs, toMs) that can be seen by now, oldest first. */
  points(metric: MetricName, fromMs: number, toMs: number): Point[] {
    if (metric.Namespace !== applicationElb.namespace) {
      const { points } = this.custom.get(metricKey(metric)) ?? { points: [] };
      return points.filter(({ at }) => at >= fromMs && at < toMs);
    }
    const minutes = this.#minutes(fromMs, toMs);
    const hosts = this.#hosts.filter(({ at }) => at >= fromMs && at < toMs);
    const key = metricKey(metric);
    return applicationElb
      .pointsOf(metric, minutes, hosts)
      .filter(({ at }) => this.region.now() >= at + minuteMs + this.#delayMs(key, at));
  }

  /** Every metric that has a point lately. */
  metrics(): MetricName[] {
    const recent = this.region.now() - minutesKept * minuteMs;
    const counted = applicationElb
      .metricsIn(this.#minutes(recent, Infinity), this.#hosts)
      .filter((metric) => this.points(metric, recent, Infinity).length > 0);
    return [...this.custom.values()].map(({ name }) => name).concat(counted);
  }

  /** What happens by itself at each minute's beginning. */
  everyMinute(): void {
    const now = this.region.now();
    const oldest = now - minutesKept * minuteMs;
    this.#hosts = [
      ...this.#hosts.filter(({ at }) => at >= oldest),
      ...sampleHosts({ elb: this.region.elb, now }),
    ];
    judgeAlarms(this);
  }

  /** The recorder knows all regions. */
  #minutes(fromMs: number, toMs: number): Minute[] {
    const mine = `:${this.region.name}:${this.region.account}:`;
    return this.#recorder.minutes(fromMs, toMs).map(({ startMs, groups, balancers }) => ({
      startMs,
      groups: groups.filter(({ loadBalancerArn }) => loadBalancerArn.includes(mine)),
      balancers: balancers.filter(({ loadBalancerArn }) => loadBalancerArn.includes(mine)),
    }));
  }

  /** Drawn from the seed for each metric and minute, so that it is the same whoever asks, and however often. */
  #delayMs(key: string, at: number): number {
    const { metricDelayMs, metricDelaySpreadMs } = this.region.settings;
    if (metricDelaySpreadMs === 0) return metricDelayMs;
    let hash = this.#seed;
    for (const letter of `${key} ${at}`) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
    return metricDelayMs + seededRandom(hash)() * metricDelaySpreadMs;
  }
}
