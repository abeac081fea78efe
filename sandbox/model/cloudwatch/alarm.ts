import type { z } from "zod";
import type { Rule } from "./rule.ts";
import type * as shapes from "./shapes.ts";
import type { AlarmState, MetricQuery } from "./shapes.ts";

export interface AnyAlarm {
  name: string;
  arn: string;
  state: AlarmState;
  reason: string;
  reasonData: string | undefined;
  configuredAt: number;
  stateAt: number;
}

export interface MetricAlarm extends AnyAlarm {
  kind: "metric";
  settings: z.output<typeof shapes.putMetricAlarm>;
  /** What it watches; exactly one of them returns data. */
  queries: readonly MetricQuery[];
  periodMs: number;
}

export interface CompositeAlarm extends AnyAlarm {
  kind: "composite";
  settings: z.output<typeof shapes.putCompositeAlarm>;
  rule: Rule;
  /** How the alarms of its rule were when it was last judged: it is judged again once one of them changes. */
  judgedOn: string | undefined;
}

export type Alarm = MetricAlarm | CompositeAlarm;

/** Tells an alarm its state; when that is another one, it counts from now. */
export function enter(alarm: Alarm, state: AlarmState, reason: string, now: number): void {
  if (alarm.state !== state) alarm.stateAt = now;
  alarm.state = state;
  alarm.reason = reason;
  alarm.reasonData = undefined;
}
