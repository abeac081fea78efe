import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, invalidParameter } from "../error.ts";
import type { Region } from "../region.ts";
import { findCluster } from "./find.ts";
import type * as shapes from "./shapes.ts";
import type { Cluster } from "./state.ts";
import { checkTags, tagsOf } from "./tags.ts";

/** Safe to repeat: a cluster that exists is given back. */
export function createCluster(region: Region, input: z.output<typeof shapes.createCluster>) {
  checkTags(input.tags);
  const arn = region.ecsArn(`cluster/${input.clusterName}`);
  const present = region.ecs.clusters.get(arn);
  if (present?.status === "ACTIVE") return { cluster: view(region, present, []) };
  const cluster: Cluster = {
    arn,
    name: input.clusterName,
    status: "ACTIVE",
    settings: input.settings,
    capacityProviders: input.capacityProviders,
    defaultCapacityProviderStrategy: input.defaultCapacityProviderStrategy,
  };
  region.ecs.clusters.set(arn, cluster);
  region.ecs.tags.set(arn, input.tags);
  return { cluster: view(region, cluster, ["TAGS"]) };
}

export function describeClusters(region: Region, input: z.output<typeof shapes.describeClusters>) {
  const ids = input.clusters.length > 0 ? input.clusters : ["default"];
  const found = ids.map((id) => {
    const name = id.slice(id.lastIndexOf("/") + 1);
    return { id, cluster: region.ecs.clusters.get(region.ecsArn(`cluster/${name}`)) };
  });
  return {
    clusters: found.flatMap(({ cluster }) =>
      cluster === undefined ? [] : [view(region, cluster, input.include)],
    ),
    failures: found
      .filter(({ cluster }) => cluster === undefined)
      .map(({ id }) => ({
        arn: id.startsWith("arn:") ? id : region.ecsArn(`cluster/${id}`),
        reason: "MISSING",
      })),
  };
}

export function listClusters(region: Region, input: z.output<typeof shapes.listClusters>) {
  const arns = [...region.ecs.clusters.values()]
    .filter((one) => one.status === "ACTIVE")
    .map((one) => one.arn);
  const { items, next } = page(arns, input.maxResults, input.nextToken, badToken);
  return { clusterArns: items, nextToken: next };
}

export function deleteCluster(region: Region, input: z.output<typeof shapes.deleteCluster>) {
  const cluster = findCluster(region, input.cluster);
  const { services, tasks } = region.ecs;
  if ([...services.values()].some((one) => one.clusterArn === cluster.arn && one.status !== "INACTIVE"))
    throw new AwsError(
      "ClusterContainsServicesException",
      "The Cluster cannot be deleted while Services are active.",
    );
  if ([...tasks.values()].some((one) => one.clusterArn === cluster.arn && one.lastStatus !== "STOPPED"))
    throw new AwsError(
      "ClusterContainsTasksException",
      "The Cluster cannot be deleted while Tasks are active.",
    );
  cluster.status = "INACTIVE";
  return { cluster: view(region, cluster, []) };
}

export const badToken = () => invalidParameter("Invalid token.");

function view(region: Region, cluster: Cluster, include: readonly string[]) {
  const tasks = [...region.ecs.tasks.values()].filter((one) => one.clusterArn === cluster.arn);
  const services = [...region.ecs.services.values()].filter((one) => one.clusterArn === cluster.arn);
  return {
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: cluster.status,
    registeredContainerInstancesCount: 0,
    runningTasksCount: tasks.filter((task) => task.lastStatus === "RUNNING").length,
    pendingTasksCount: tasks.filter((task) => task.lastStatus === "PENDING").length,
    activeServicesCount: services.filter((service) => service.status === "ACTIVE").length,
    settings: cluster.settings,
    capacityProviders: cluster.capacityProviders,
    defaultCapacityProviderStrategy: cluster.defaultCapacityProviderStrategy,
    tags: include.includes("TAGS") ? tagsOf(region, cluster.arn) : [],
  };
}
