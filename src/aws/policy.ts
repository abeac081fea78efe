/**
 * The least IAM policies with which Teal deploys the given services: what it calls, on what, and under which
 * conditions. A test holds the actions equal to the SDK's commands of this room, beside those that AWS implies. Which
 * resources and conditions an action knows is from AWS's Service Authorization Reference; where it knows no resource
 * of ours, the statement says `*` and confines it by cluster or region.
 */
import type { Source } from "../deployment/check.ts";
import { accountIdOf, type AccountRef, routesOf, type ServiceTarget, tagKeys } from "../deployment/target.ts";

/** A service, and where the checks of the strategies that it may be deployed by have their numbers from. */
export interface Deployable {
  target: ServiceTarget;
  sources: ReadonlySet<Source["kind"]>;
}

export interface Statement {
  Sid: string;
  Effect: "Allow";
  Principal?: { AWS: string };
  Action: string[];
  /** Absent in a trust policy, which stands on what it is about. */
  Resource?: string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export interface Policy {
  Version: "2012-10-17";
  Statement: Statement[];
}

/** What one identity must be granted. */
export interface Grants {
  /** A role that Teal assumes; absent: Teal's own identity. */
  roleArn?: string;
  policy: Policy;
  /** Who may assume the role. */
  trust?: Policy;
}

export interface PolicyOptions {
  /** The ARN of Teal's own identity; a placeholder where left out. */
  principal?: string;
  /** The roles of the services' tasks, of any account; all roles of an account of which none is named. */
  taskRoles?: readonly string[];
}

/** What AWS asks for beside the actions that are called, and for what. */
export const impliedActions: Readonly<Record<string, string>> = {
  "iam:PassRole": "the roles of a revision that is registered and of the tasks that a set starts",
};

/** Teal's own identity first, where it has anything to do; then each role. */
export function grantsFor(services: readonly Deployable[], options: PolicyOptions = {}): Grants[] {
  const own = services.filter(({ target }) => target.account === undefined);
  const roleArns = unique(services.flatMap(({ target }) => target.account?.roleArn ?? []));
  const statements = [...deploying(own, options), ...statement("AssumeRoles", ["sts:AssumeRole"], roleArns)];
  return [
    ...(statements.length > 0 ? [{ policy: policyOf(statements) }] : []),
    ...roleArns.map((roleArn) => {
      const there = services.filter(({ target }) => target.account?.roleArn === roleArn);
      const trust = trusting(
        there.flatMap(({ target }) => target.account ?? []),
        options,
      );
      return { roleArn, policy: policyOf(deploying(there, options)), trust: policyOf([trust]) };
    }),
  ];
}

/** What one identity needs for the services that it deploys; they are all of one account. */
function deploying(services: readonly Deployable[], { taskRoles = [] }: PolicyOptions): Statement[] {
  const targets = services.map(({ target }) => target);
  // A service without load balancer, role and cluster ARN doesn't tell; an identity acts in its own account anyway.
  const account = targets.map(accountIdOf).find((id) => id !== undefined) ?? "*";
  const partition = targets.map(partitionOf).find((name) => name !== undefined) ?? "aws";
  const ecs = (region: string, resource: string) => `arn:${partition}:ecs:${region}:${account}:${resource}`;
  const each = (resource: (target: ServiceTarget, cluster: string) => string) =>
    unique(targets.map((target) => ecs(target.region, resource(target, clusterOf(target)))));

  const regions = unique(targets.map(({ region }) => region));
  const inRegions = { StringEquals: { "aws:RequestedRegion": regions } };
  const inClusters = { ArnEquals: { "ecs:cluster": each((_, cluster) => `cluster/${cluster}`) } };
  const itsServices = each(({ service }, cluster) => `service/${cluster}/${service}`);
  const taskSets = each(({ service }, cluster) => `task-set/${cluster}/${service}/*`);
  const definitions = unique(regions.map((region) => ecs(region, "task-definition/*")));
  const routes = targets.flatMap(routesOf);
  const routesOfKind = (kind: "listener" | "rule") =>
    unique(routes.filter((route) => route.kind === kind).map(({ arn }) => arn));
  const itsRoles = taskRoles.filter((arn) => account === "*" || arn.split(":")[4] === account);
  const anyRole = [`arn:${partition}:iam::${account}:role/*`];
  const sources = new Set(services.flatMap((service) => [...service.sources]));

  if (targets.length === 0) return [];
  return [
    ...statement(
      "LookAtClusters",
      [
        "ecs:DescribeServices",
        "ecs:DescribeTaskSets",
        "ecs:ListTasks",
        "ecs:DescribeTasks",
        "ecs:DescribeContainerInstances",
      ],
      ["*"],
      inClusters,
    ),
    // None of these knows a resource or a cluster; of the alarms, composite ones are told only to who may ask for all.
    ...statement(
      "LookAround",
      [
        "ecs:DescribeTaskDefinition",
        "ecs:ListTaskDefinitions",
        ...(routes.length > 0 ? balancerReads : []),
        ...(sources.has("green-vs-blue") || sources.has("cloudwatch") ? ["cloudwatch:GetMetricData"] : []),
        ...(sources.has("alarms") ? ["cloudwatch:DescribeAlarms"] : []),
      ],
      ["*"],
      inRegions,
    ),
    // Families stand in task definitions, not in teal.yaml.
    ...statement("Register", ["ecs:RegisterTaskDefinition"], ["*"], { ...inRegions, ...tagged("Request") }),
    ...statement("Create", ["ecs:CreateTaskSet"], taskSets, tagged("Request")),
    // The set that served before Teal came has no tag of it.
    ...statement("ScaleAndDelete", ["ecs:UpdateTaskSet", "ecs:DeleteTaskSet"], taskSets),
    ...statement("Promote", ["ecs:UpdateServicePrimaryTaskSet"], itsServices),
    ...statement("TagWhatIsMade", ["ecs:TagResource"], [...taskSets, ...definitions], {
      StringEquals: { "ecs:CreateAction": ["CreateTaskSet", "RegisterTaskDefinition"] },
    }),
    ...statement("TagOwnSets", ["ecs:TagResource"], taskSets, {
      ...tagged("Resource"),
      "ForAllValues:StringEquals": { "aws:TagKeys": [tagKeys.rollingBack] },
    }),
    ...statement("ShiftListeners", ["elasticloadbalancing:ModifyListener"], routesOfKind("listener")),
    ...statement("ShiftRules", ["elasticloadbalancing:ModifyRule"], routesOfKind("rule")),
    ...statement("PassTaskRoles", ["iam:PassRole"], itsRoles.length > 0 ? itsRoles : anyRole, {
      StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
    }),
  ];
}

const balancerReads = [
  "elasticloadbalancing:DescribeListeners",
  "elasticloadbalancing:DescribeRules",
  "elasticloadbalancing:DescribeTargetGroups",
  "elasticloadbalancing:DescribeTargetHealth",
];

/** That Teal's tag is on what is asked about. */
function tagged(on: "Request" | "Resource"): NonNullable<Statement["Condition"]> {
  return { Null: { [`aws:${on}Tag/${tagKeys.deployment}`]: "false" } };
}

function trusting(accounts: readonly AccountRef[], { principal }: PolicyOptions): Statement {
  const ids = unique(accounts.flatMap(({ externalId }) => externalId ?? []));
  return {
    Sid: "TrustTeal",
    Effect: "Allow",
    Principal: { AWS: principal ?? "arn:aws:iam::ACCOUNT:role/TEAL" },
    Action: ["sts:AssumeRole"],
    ...(ids.length > 0 && { Condition: { StringEquals: { "sts:ExternalId": ids } } }),
  };
}

function policyOf(statements: Statement[]): Policy {
  return { Version: "2012-10-17", Statement: statements };
}

/** None where there is nothing that it would be about. */
function statement(
  Sid: string,
  Action: string[],
  Resource: string[],
  Condition?: Statement["Condition"],
): Statement[] {
  if (Resource.length === 0) return [];
  return [{ Sid, Effect: "Allow", Action, Resource, ...(Condition && { Condition }) }];
}

function clusterOf({ cluster }: ServiceTarget): string {
  return cluster.slice(cluster.lastIndexOf("/") + 1);
}

/** `aws`, `aws-cn`, …, as far as the configuration tells. */
function partitionOf({ account, cluster, targetGroups }: ServiceTarget): string | undefined {
  const arn = [account?.roleArn, cluster, ...targetGroups].find((name) => name?.startsWith("arn:"));
  return arn?.split(":")[1];
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}
