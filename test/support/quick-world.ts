/** A sandbox of small services in real time, for tests whose workers are real processes. */
import type { Settings } from "../../sandbox/model/settings.ts";
import type { PlaceArns } from "../../sandbox/world/build.ts";
import { worldSchema } from "../../sandbox/world/schema.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";

export const region = "eu-west-1";

/** A world in which everything happens soon. */
export const quick: Partial<Settings> = {
  taskStartMs: 300,
  taskStopMs: 100,
  schedulerDelayMs: 50,
  steadyDelayMs: 100,
  healthCheckIntervalMs: 250,
  deregistrationDelayMs: 300,
  propagationMs: 100,
};

const forward = (name: string) => ({ [`${name}-a`]: 1, [`${name}-b`]: 0 });

const testRule = (name: string) => ({
  name: `${name}-test`,
  priority: 2,
  when: { path: ["/test/*"] },
  forward: forward(name),
});

export function worldOf(services: string[], desired: number, tested = false) {
  return worldSchema.parse({ region, ...placeOf(services, desired, tested) });
}

/** Each service behind a listener's default action and one rule, version 1 running; `tested`: a test route beside. */
export function placeOf(services: string[], desired: number, tested = false) {
  return {
    clusters: ["prod"],
    loadBalancers: services.map((name) => ({
      name,
      targetGroups: [{ name: `${name}-a` }, { name: `${name}-b` }],
      listeners: [
        {
          name,
          port: 80,
          forward: forward(name),
          rules: [
            { name: `${name}-api`, priority: 1, when: { path: ["/api/*"] }, forward: forward(name) },
            ...(tested ? [testRule(name)] : []),
          ],
        },
      ],
    })),
    taskDefinitions: services.map((name) => ({ family: name, container: "app", image: "demo/app:1" })),
    services: services.map((name) => ({
      name,
      cluster: "prod",
      desiredCount: desired,
      taskSet: { taskDefinition: name, targetGroup: `${name}-a` },
    })),
  };
}

export function targetOf(arns: PlaceArns, service: string): ServiceTarget {
  const need = (arn: string | undefined): string => {
    if (arn === undefined) throw new Error(`${service} is not in this world`);
    return arn;
  };
  const testRule = arns.rules[`${service}-test`];
  return {
    name: service,
    region,
    cluster: "prod",
    service,
    targetGroups: [need(arns.targetGroups[`${service}-a`]), need(arns.targetGroups[`${service}-b`])],
    routes: [
      { kind: "listener", arn: need(arns.listeners[service]) },
      { kind: "rule", arn: need(arns.rules[`${service}-api`]) },
    ],
    ...(testRule !== undefined && { testRoutes: [{ kind: "rule", arn: testRule }] }),
  };
}
