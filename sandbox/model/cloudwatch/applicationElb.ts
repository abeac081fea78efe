import type { GroupCounts, Minute } from "../../traffic/recorder.ts";
import type { HostSample } from "./hosts.ts";
import { merged, repeated, type Point, type Samples } from "./samples.ts";
import type { MetricName } from "./shapes.ts";

/*
 * `AWS/ApplicationELB` from what the balancers counted. A count has a point in
 * a minute only where it isn't zero, so without traffic there is none.
 */

export const namespace = "AWS/ApplicationELB";

/** Counted for a target group, and for its load balancer over all of its groups. */
const ofGroups = [
  "RequestCount",
  "HTTPCode_Target_2XX_Count",
  "HTTPCode_Target_3XX_Count",
  "HTTPCode_Target_4XX_Count",
  "HTTPCode_Target_5XX_Count",
  "TargetConnectionErrorCount",
] as const;

/** Counted for a load balancer alone. */
const ofBalancers = [
  "HTTPCode_ELB_4XX_Count",
  "HTTPCode_ELB_5XX_Count",
  "HTTPCode_ELB_502_Count",
  "HTTPCode_ELB_503_Count",
  "HTTPCode_ELB_504_Count",
  "HTTP_Fixed_Response_Count",
  "HTTP_Redirect_Count",
] as const;

const responseTime = "TargetResponseTime";

const ofHosts = { HealthyHostCount: "healthy", UnHealthyHostCount: "unhealthy" } as const;

interface Place {
  loadBalancer: string;
  /** Undefined: the load balancer as a whole. */
  targetGroup: string | undefined;
}

/** All points of one metric in these minutes, oldest first; none where AWS has no such metric. */
export function pointsOf(
  { MetricName: name, Dimensions }: MetricName,
  minutes: readonly Minute[],
  hosts: readonly HostSample[],
): Point[] {
  const place = placeOf(Dimensions);
  if (place === undefined) return [];
  const count = ofGroups.find((known) => known === name);
  if (count !== undefined) {
    return pointsIn(minutes, "Count", (minute) => {
      const total = groupsAt(minute, place).reduce((sum, group) => sum + group[count], 0);
      return total === 0 ? undefined : repeated(1, total);
    });
  }
  if (name === responseTime) {
    return pointsIn(minutes, "Seconds", (minute) => {
      const all = groupsAt(minute, place).filter((group) => group.responseTimes.count > 0);
      return all.length === 0 ? undefined : merged(all.map(secondsOf));
    });
  }
  const own = ofBalancers.find((known) => known === name);
  if (own !== undefined && place.targetGroup === undefined) {
    return pointsIn(minutes, "Count", (minute) => {
      const total = minute.balancers.find((one) => tailOf(one.loadBalancerArn) === place.loadBalancer)?.[own];
      return total === undefined || total === 0 ? undefined : repeated(1, total);
    });
  }
  if ((name === "HealthyHostCount" || name === "UnHealthyHostCount") && place.targetGroup !== undefined) {
    return hosts
      .filter((sample) => isAt(sample, place))
      .map((sample) => ({ at: sample.at, unit: "Count", samples: repeated(sample[ofHosts[name]], 1) }));
  }
  return [];
}

/** The metrics that have a point in these minutes. */
export function metricsIn(minutes: readonly Minute[], hosts: readonly HostSample[]): MetricName[] {
  const places = new Map<string, Place>();
  const add = (loadBalancerArn: string, targetGroupArn: string | undefined) => {
    if (!isApplication(loadBalancerArn)) return;
    const place = {
      loadBalancer: tailOf(loadBalancerArn),
      targetGroup: targetGroupArn === undefined ? undefined : tailOf(targetGroupArn),
    };
    places.set(JSON.stringify(place), place);
  };
  for (const minute of minutes) {
    for (const { loadBalancerArn } of [...minute.balancers, ...minute.groups])
      add(loadBalancerArn, undefined);
    for (const { loadBalancerArn, targetGroupArn } of minute.groups) add(loadBalancerArn, targetGroupArn);
  }
  for (const { loadBalancerArn, targetGroupArn } of hosts) add(loadBalancerArn, targetGroupArn);
  const names = [...ofGroups, responseTime, ...ofBalancers, ...Object.keys(ofHosts)];
  return [...places.values()].flatMap(({ loadBalancer, targetGroup }) =>
    names
      .map((name) => ({
        Namespace: namespace,
        MetricName: name,
        Dimensions: [
          ...(targetGroup === undefined ? [] : [{ Name: "TargetGroup", Value: targetGroup }]),
          { Name: "LoadBalancer", Value: loadBalancer },
        ],
      }))
      .filter((metric) => pointsOf(metric, minutes, hosts).length > 0),
  );
}

function pointsIn(
  minutes: readonly Minute[],
  unit: string,
  samplesOf: (minute: Minute) => Samples | undefined,
): Point[] {
  return minutes.flatMap((minute) => {
    const samples = samplesOf(minute);
    return samples === undefined ? [] : [{ at: minute.startMs, unit, samples }];
  });
}

function groupsAt(minute: Minute, place: Place): GroupCounts[] {
  return minute.groups.filter((group) => isAt(group, place));
}

function isAt(one: { loadBalancerArn: string; targetGroupArn: string }, place: Place): boolean {
  return (
    tailOf(one.loadBalancerArn) === place.loadBalancer &&
    (place.targetGroup === undefined || tailOf(one.targetGroupArn) === place.targetGroup)
  );
}

/** A network load balancer's name for itself begins otherwise, so none of its counts is ever found here. */
function placeOf(dimensions: MetricName["Dimensions"]): Place | undefined {
  const values = new Map(dimensions.map(({ Name, Value }) => [Name, Value]));
  const loadBalancer = values.get("LoadBalancer");
  const targetGroup = values.get("TargetGroup");
  const known = (loadBalancer === undefined ? 0 : 1) + (targetGroup === undefined ? 0 : 1);
  if (known !== dimensions.length || loadBalancer?.startsWith("app/") !== true) return undefined;
  return { loadBalancer, targetGroup };
}

function isApplication(loadBalancerArn: string): boolean {
  return tailOf(loadBalancerArn).startsWith("app/");
}

/** As dimensions have it: `app/shop/1f…` of a load balancer's ARN, `targetgroup/shop/2e…` of a group's. */
function tailOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(":") + 1).replace(/^loadbalancer\//, "");
}

function secondsOf({ responseTimes }: GroupCounts): Samples {
  return {
    count: responseTimes.count,
    sum: responseTimes.sumMs / 1000,
    min: responseTimes.minMs / 1000,
    max: responseTimes.maxMs / 1000,
    values: responseTimes.samples().map(([ms, times]) => [ms / 1000, times]),
  };
}
