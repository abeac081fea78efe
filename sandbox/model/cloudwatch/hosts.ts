import { loadBalancersOf } from "../elb/state.ts";
import type { Region } from "../region.ts";

/** How many targets of a group a load balancer held for healthy at a moment. */
export interface HostSample {
  at: number;
  loadBalancerArn: string;
  targetGroupArn: string;
  healthy: number;
  unhealthy: number;
}

/** All groups of application load balancers that have targets, as they are now. */
export function sampleHosts({ elb, now }: { elb: Region["elb"]; now: number }): HostSample[] {
  const byGroup = new Map<string, { healthy: number; unhealthy: number }>();
  for (const { groupArn, health } of elb.targets.values()) {
    if (health === "draining" || health === "unused") continue;
    const counts = byGroup.get(groupArn) ?? { healthy: 0, unhealthy: 0 };
    counts[health === "healthy" ? "healthy" : "unhealthy"]++;
    byGroup.set(groupArn, counts);
  }
  return [...byGroup].flatMap(([targetGroupArn, counts]) =>
    loadBalancersOf(elb, targetGroupArn)
      .filter((arn) => elb.loadBalancers.get(arn)?.type === "application")
      .map((loadBalancerArn) => ({ at: now, loadBalancerArn, targetGroupArn, ...counts })),
  );
}
