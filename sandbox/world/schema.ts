import { z } from "zod";
import { homeAccount, placeName } from "../model/region.ts";
import { defaultSettings, type Settings } from "../model/settings.ts";
import { behaviourInput, settingsInput } from "../model/settingsInput.ts";

/*
 * What a world file may say. Things refer to each other by name; the keys are
 * short for what most worlds need, and `request` passes anything else on to
 * the AWS call that creates the thing.
 */

const name = z.string().min(1);
const tags = z.record(z.string(), z.string()).default({});
/** Parameters of the AWS call, in AWS's own spelling; they win over the short keys. */
const request = z.record(z.string(), z.unknown()).default({});

const targetGroup = z.strictObject({
  name,
  protocol: z.string().default("HTTP"),
  port: z.number().int().default(80),
  healthCheck: z
    .strictObject({
      path: z.string().startsWith("/"),
      intervalSeconds: z.number().int(),
      timeoutSeconds: z.number().int(),
      healthyThreshold: z.number().int(),
      unhealthyThreshold: z.number().int(),
      matcher: z.string(),
    })
    .partial()
    .default({}),
  attributes: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .default({}),
  tags,
  request,
});

const outcome = {
  /** Weight by name of the target group. */
  forward: z.record(name, z.number().int().min(0).max(999)).optional(),
  /** Group stickiness of `forward`. */
  stickySeconds: z.number().int().min(1).optional(),
  fixed: z
    .strictObject({
      status: z.number().int(),
      contentType: z.string().optional(),
      body: z.string().optional(),
    })
    .optional(),
  /** In place of all the others: AWS's own list of actions, target groups by name where an ARN would stand. */
  actions: z.array(z.record(z.string(), z.unknown())).min(1).optional(),
};

const rule = z.strictObject({
  /** To find its ARN by; AWS's rules have no name. */
  name: name.optional(),
  priority: z.number().int().min(1).max(50_000),
  when: z
    .strictObject({
      path: z.array(z.string()).min(1),
      host: z.array(z.string()).min(1),
      method: z.array(z.string()).min(1),
      header: z.record(z.string(), z.array(z.string()).min(1)),
    })
    .partial(),
  ...outcome,
  tags,
});

const listener = z.strictObject({
  /** To find its ARN by; AWS's listeners have no name. */
  name: name.optional(),
  port: z.number().int().min(1).max(65_535),
  protocol: z.string().default("HTTP"),
  ...outcome,
  rules: z.array(rule).default([]),
  tags,
  request,
});

const loadBalancer = z.strictObject({
  name,
  type: z.enum(["application", "network"]).default("application"),
  targetGroups: z.array(targetGroup).default([]),
  listeners: z.array(listener).default([]),
  tags,
  request,
});

const taskDefinition = z.strictObject({
  family: name,
  /** The container's name; the family where left out. */
  container: name.optional(),
  image: name,
  port: z.number().int().min(1).max(65_535).default(8080),
  environment: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({}),
  tags,
  request,
});

const service = z.strictObject({
  name,
  cluster: name,
  desiredCount: z.number().int().min(0),
  healthCheckGraceSeconds: z.number().int().min(0).optional(),
  tags,
  request,
  /** The first task set, which becomes PRIMARY; none where left out. */
  taskSet: z
    .strictObject({
      /** Family, or family:revision. */
      taskDefinition: name,
      targetGroup: name.optional(),
      scalePercent: z.number().min(0).max(100).default(100),
      tags,
      request,
    })
    .optional(),
});

/** A role to assume; anybody may who knows its external id. */
const role = {
  name: z.string().regex(/^[\w+=,.@-]{1,64}$/, "is no name of a role"),
  externalId: z.string().min(2).optional(),
  /** The longest session that may be asked for. */
  maxSessionSeconds: z.number().int().min(900).max(43_200).default(3_600),
};

const accountId = z
  .string({ error: "must be a text of twelve digits: put it in quotes" })
  .regex(/^\d{12}$/, "must be twelve digits");

/** A role and whose it is, as the sandbox is told of one while it runs. */
export const roleInput = z.strictObject({ account: accountId.default(homeAccount), ...role });

/** What there is in one region of one account. */
const place = {
  region: name.default("eu-west-1"),
  loadBalancers: z.array(loadBalancer).default([]),
  /** Several of one family are its revisions, in this order. */
  taskDefinitions: z.array(taskDefinition).default([]),
  clusters: z.array(name).default([]),
  services: z.array(service).default([]),
  /** Of the account, whatever the region. */
  roles: z.array(z.strictObject(role)).default([]),
};

const elsewhere = z.strictObject({
  /** The home account where left out: then it is another region of it. */
  account: accountId.default(homeAccount),
  ...place,
});

/** A world file, validated in itself. */
export const worldSchema = z.strictObject({
  settings: settingsInput.default({}),
  /** By image, as the container definitions name it. */
  behaviours: z.record(z.string(), behaviourInput).default({}),
  ...place,
  /** Other accounts and other regions. Names mean things of the same place. */
  elsewhere: z.array(elsewhere).default([]),
});

export type World = z.output<typeof worldSchema>;
export type WorldPlace = z.output<typeof elsewhere>;
export type WorldRoute = Pick<z.output<typeof listener>, "forward" | "stickySeconds" | "fixed" | "actions">;

/** The model's settings for a world. */
export function settingsOf(world: World): Settings {
  return { ...defaultSettings, ...world.settings, behaviours: world.behaviours };
}

/** A problem at a place of the file. */
export interface Problem {
  path: readonly PropertyKey[];
  message: string;
}

/** Names that nothing bears, names borne twice, routes that lead nowhere; in each place by itself. */
export function crossProblems(world: World): Problem[] {
  const problems = placeProblems(world);
  const seen = new Set([placeName(homeAccount, world.region)]);
  for (const [at, one] of world.elsewhere.entries()) {
    const inside = placeProblems(one).map(({ path, message }) => ({
      path: ["elsewhere", at, ...path],
      message,
    }));
    problems.push(...inside);
    const key = placeName(one.account, one.region);
    if (seen.has(key)) {
      const message = `${one.region} of account ${one.account} is described before: put both together`;
      problems.push({ path: ["elsewhere", at], message });
    }
    seen.add(key);
  }
  return problems;
}

function placeProblems(world: Omit<WorldPlace, "account">): Problem[] {
  const problems: Problem[] = [];
  const tell = (path: PropertyKey[], message: string) => problems.push({ path, message });
  const known = (what: string, names: string[], path: (at: number) => PropertyKey[]) => {
    for (const [at, one] of names.entries()) {
      if (names.indexOf(one) < at) tell(path(at), `there is another ${what} named ${one}`);
    }
    return new Set(names);
  };
  known(
    "load balancer",
    world.loadBalancers.map((it) => it.name),
    (at) => ["loadBalancers", at, "name"],
  );
  known(
    "role",
    world.roles.map((it) => it.name),
    (at) => ["roles", at, "name"],
  );
  const clusters = known("cluster", world.clusters, (at) => ["clusters", at]);
  const places = world.loadBalancers.flatMap((it, i) =>
    it.targetGroups.map((group, j) => ({
      name: group.name,
      path: ["loadBalancers", i, "targetGroups", j, "name"],
    })),
  );
  const groups = known(
    "target group",
    places.map((it) => it.name),
    (at) => places[at]?.path ?? [],
  );
  const families = new Set(world.taskDefinitions.map((it) => it.family));

  const route = (it: WorldRoute, path: PropertyKey[]) => {
    const said = [it.forward, it.fixed, it.actions].filter((one) => one !== undefined).length;
    if (said !== 1) tell(path, `says ${said} of forward, fixed and actions; it needs exactly one`);
    for (const group of Object.keys(it.forward ?? {})) {
      if (!groups.has(group)) tell([...path, "forward", group], `no target group is named ${group}`);
    }
  };
  for (const [i, balancer] of world.loadBalancers.entries()) {
    for (const [j, listener] of balancer.listeners.entries()) {
      const path = ["loadBalancers", i, "listeners", j];
      route(listener, path);
      for (const [k, rule] of listener.rules.entries()) {
        route(rule, [...path, "rules", k]);
        if (Object.keys(rule.when).length === 0) tell([...path, "rules", k, "when"], "says no condition");
      }
    }
  }
  for (const [i, service] of world.services.entries()) {
    const path = ["services", i];
    if (!clusters.has(service.cluster)) tell([...path, "cluster"], `no cluster is named ${service.cluster}`);
    const set = service.taskSet;
    if (set === undefined) continue;
    const family = set.taskDefinition.replace(/:\d+$/, "");
    if (!families.has(family)) {
      tell([...path, "taskSet", "taskDefinition"], `no task definition has the family ${family}`);
    }
    if (set.targetGroup !== undefined && !groups.has(set.targetGroup)) {
      tell([...path, "taskSet", "targetGroup"], `no target group is named ${set.targetGroup}`);
    }
  }
  return problems;
}
