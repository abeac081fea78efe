import type { z } from "zod";
import { checked, type Action } from "../action.ts";
import * as alarms from "./alarms.ts";
import type { CloudWatch } from "./cloudwatch.ts";
import * as metrics from "./metrics.ts";
import * as shapes from "./shapes.ts";

/** The CloudWatch actions that the sandbox knows. */
export const cloudWatchActions = {
  DeleteAlarms: on(shapes.deleteAlarms, alarms.deleteAlarms),
  DescribeAlarms: on(shapes.describeAlarms, alarms.describeAlarms),
  GetMetricData: on(shapes.getMetricData, metrics.getMetricData),
  GetMetricStatistics: on(shapes.getMetricStatistics, metrics.getMetricStatistics),
  ListMetrics: on(shapes.listMetrics, metrics.listMetrics),
  PutCompositeAlarm: on(shapes.putCompositeAlarm, alarms.putCompositeAlarm),
  PutMetricAlarm: on(shapes.putMetricAlarm, alarms.putMetricAlarm),
  PutMetricData: on(shapes.putMetricData, metrics.putMetricData),
  SetAlarmState: on(shapes.setAlarmState, alarms.setAlarmState),
};

/** Nothing of CloudWatch lags: its delay is in the metrics themselves. */
function on<I extends z.ZodType, O extends object>(
  input: I,
  act: (cloudwatch: CloudWatch, input: z.output<I>) => O,
): Action<I, O, CloudWatch> {
  return {
    input,
    perform: (cloudwatch, params, refuse) => act(cloudwatch, checked(input, params, refuse)),
  };
}
