import { describe, expect, test } from "vitest";
import { Histogram } from "../../../sandbox/traffic/histogram.ts";
import { Recorder } from "../../../sandbox/traffic/recorder.ts";
import { SteppedClock } from "../../../sandbox/clock.ts";

describe("response times", () => {
  test("percentiles are right within 5 %", () => {
    const times = new Histogram();
    for (let ms = 1; ms <= 1000; ms++) times.add(ms);
    for (const percent of [1, 50, 90, 99, 100]) {
      const exact = percent * 10;
      expect(times.percentileMs(percent)).toBeGreaterThanOrEqual(exact);
      expect(times.percentileMs(percent)).toBeLessThanOrEqual(exact * 1.05);
    }
    expect(times.countUpTo(500)).toBeGreaterThan(474);
    expect(times.countUpTo(500)).toBeLessThanOrEqual(500);
    expect(times.count).toBe(1000);
    expect(times.sumMs).toBe(500_500);
  });

  test("none, extremes, and two merged", () => {
    const times = new Histogram();
    expect(times.percentileMs(99)).toBeUndefined();
    times.add(0);
    times.add(1e12);
    expect([times.minMs, times.maxMs]).toEqual([0, 1e12]);
    const other = new Histogram();
    other.add(5);
    other.merge(times);
    expect([other.count, other.minMs, other.maxMs]).toEqual([3, 0, 1e12]);
  });
});

describe("counts by minute", () => {
  test("each minute has its own, without traffic there is none, old ones are forgotten", () => {
    const clock = new SteppedClock(0);
    const recorder = new Recorder(clock);
    recorder.requested("lb", "a");
    recorder.answered("lb", "a", 200, 3);
    clock.advance(120_000);
    recorder.requested("lb", "a");
    recorder.requested("lb", "b");
    recorder.answered("lb", "a", 503, 3);
    recorder.unreachable("lb", "b");
    recorder.answeredItself("lb", "error", 502);

    const minutes = recorder.minutes(0, 180_000);
    expect(minutes.map((minute) => minute.startMs)).toEqual([0, 120_000]);
    expect(minutes[0]?.groups).toMatchObject([
      { targetGroupArn: "a", RequestCount: 1, HTTPCode_Target_2XX_Count: 1 },
    ]);
    expect(minutes[1]?.groups).toMatchObject([
      { targetGroupArn: "a", RequestCount: 1, HTTPCode_Target_5XX_Count: 1 },
      { targetGroupArn: "b", RequestCount: 1, TargetConnectionErrorCount: 1 },
    ]);
    expect(minutes[1]?.balancers).toMatchObject([{ HTTPCode_ELB_5XX_Count: 1, HTTPCode_ELB_502_Count: 1 }]);
    expect(recorder.totals().groups).toMatchObject([{ RequestCount: 2 }, { RequestCount: 1 }]);
    expect(recorder.minutes(60_000, 120_000)).toEqual([]);

    recorder.reset();
    expect(recorder.totals()).toEqual({ startMs: 120_000, groups: [], balancers: [] });
    for (let i = 0; i < 200; i++) {
      clock.advance(60_000);
      recorder.requested("lb", "a");
    }
    expect(recorder.minutes(0, Infinity)).toHaveLength(180);
  });
});
