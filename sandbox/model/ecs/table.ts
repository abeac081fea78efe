import { read, write } from "../action.ts";
import * as clusters from "./clusters.ts";
import * as services from "./services.ts";
import * as shapes from "./shapes.ts";
import * as tags from "./tags.ts";
import * as definitions from "./taskDefinitions.ts";
import * as tasks from "./tasks.ts";
import * as taskSets from "./taskSets.ts";

/** The ECS actions that the sandbox knows. */
export const ecsActions = {
  CreateCluster: write(shapes.createCluster, clusters.createCluster),
  CreateService: write(shapes.createService, services.createService),
  CreateTaskSet: write(shapes.createTaskSet, taskSets.createTaskSet),
  DeleteCluster: write(shapes.deleteCluster, clusters.deleteCluster),
  DeleteService: write(shapes.deleteService, services.deleteService),
  DeleteTaskSet: write(shapes.deleteTaskSet, taskSets.deleteTaskSet),
  DeregisterTaskDefinition: write(shapes.deregisterTaskDefinition, definitions.deregisterTaskDefinition),
  DescribeClusters: read(shapes.describeClusters, clusters.describeClusters),
  DescribeServices: read(shapes.describeServices, services.describeServices),
  DescribeTaskDefinition: read(shapes.describeTaskDefinition, definitions.describeTaskDefinition),
  DescribeTaskSets: read(shapes.describeTaskSets, taskSets.describeTaskSets),
  DescribeTasks: read(shapes.describeTasks, tasks.describeTasks),
  GetTaskProtection: read(shapes.getTaskProtection, tasks.getTaskProtection),
  ListClusters: read(shapes.listClusters, clusters.listClusters),
  ListServices: read(shapes.listServices, services.listServices),
  ListTagsForResource: read(shapes.listTagsForResource, tags.listTagsForResource),
  ListTaskDefinitions: read(shapes.listTaskDefinitions, definitions.listTaskDefinitions),
  ListTasks: read(shapes.listTasks, tasks.listTasks),
  RegisterTaskDefinition: write(shapes.registerTaskDefinition, definitions.registerTaskDefinition),
  StopTask: write(shapes.stopTask, tasks.stopTask),
  TagResource: write(shapes.tagResource, tags.tagResource),
  UntagResource: write(shapes.untagResource, tags.untagResource),
  UpdateService: write(shapes.updateService, services.updateService),
  UpdateServicePrimaryTaskSet: write(
    shapes.updateServicePrimaryTaskSet,
    taskSets.updateServicePrimaryTaskSet,
  ),
  UpdateTaskProtection: write(shapes.updateTaskProtection, tasks.updateTaskProtection),
  UpdateTaskSet: write(shapes.updateTaskSet, taskSets.updateTaskSet),
};
