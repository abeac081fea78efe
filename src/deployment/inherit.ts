/** What green takes over from blue, and what the request changes of it. */
import { createHash } from "node:crypto";
import type { CreateTaskSetRequest, Pair, Weights } from "./effect.ts";
import type { BlueRecord, Deployment, RouteRecord } from "./record.ts";
import { firstScale } from "./strategy.ts";
import { type Tag, tagKeys, type TaskSetSpec } from "./target.ts";
import { showWeights } from "./traffic.ts";
import type { View } from "./view.ts";

/**
 * At most 32 printable characters (AWS docs, CreateTaskSet). Derived from the id, so that even a worker that
 * lost the record would create the same set.
 */
export function clientToken(id: string, attempt: number): string {
  return createHash("sha256").update(`${id}/${attempt}`).digest("hex").slice(0, 32);
}

/** The complete request: all that blue has, with the target group swapped and the request's changes. */
export function createRequest(d: Deployment, taskDefinition: string): CreateTaskSetRequest {
  const base = baseSpec(d);
  return {
    ...base,
    cluster: d.target.cluster,
    service: d.target.service,
    taskDefinition,
    ...(base.loadBalancers && { loadBalancers: swapGroups(base, d.pair) }),
    tags: tagsOf(base, d),
    clientToken: clientToken(d.id, 1),
    scalePercent: firstScale(d.strategy),
  };
}

/** `launchType` and `capacityProviderStrategy` exclude each other, so changing one drops the other. */
function baseSpec(d: Deployment): TaskSetSpec {
  const inherited: TaskSetSpec = { ...(d.blue?.spec ?? d.target.taskSet) };
  const changes = d.request.taskSet ?? {};
  if (changes.launchType) delete inherited.capacityProviderStrategy;
  if (changes.capacityProviderStrategy) delete inherited.launchType;
  return { ...inherited, ...changes };
}

/** The one load balancer entry that names a group of the pair gets green's group; any other stays. */
function swapGroups(spec: TaskSetSpec, pair: Pair | undefined): TaskSetSpec["loadBalancers"] {
  if (!pair) return spec.loadBalancers;
  const groups = [pair.blue, pair.green];
  return spec.loadBalancers?.map((lb) =>
    lb.targetGroupArn && groups.includes(lb.targetGroupArn) ? { ...lb, targetGroupArn: pair.green } : lb,
  );
}

/** Users' tags go on to green; AWS's own cannot, and another deployment's must not. */
function userTags(spec: TaskSetSpec): Tag[] {
  const own: string[] = Object.values(tagKeys);
  return (spec.tags ?? []).filter((tag) => !tag.key.startsWith("aws:") && !own.includes(tag.key));
}

function tagsOf(spec: TaskSetSpec, d: Deployment): Tag[] {
  return [...userTags(spec), ...ownTags(d, d.blue, d.routes)];
}

/** Enough to find out, without Redis, whose this set is and how things were before it. */
function ownTags(d: Deployment, blue: BlueRecord | undefined, routes: RouteRecord[]): Tag[] {
  return [
    { key: tagKeys.deployment, value: d.id },
    { key: tagKeys.service, value: d.service },
    { key: tagKeys.blue, value: blue ? `${blue.id} ${blue.scalePercent}` : "none" },
    { key: tagKeys.before, value: routes.map((route) => showWeights(route.before)).join(" ") || "none" },
  ];
}

/** Blue's id and scale as its tag tells them. */
export function parseBlue(tag: string | undefined): { id: string; scalePercent: number } | undefined {
  const [id, scale] = tag?.split(" ") ?? [];
  return id && scale ? { id, scalePercent: Number(scale) } : undefined;
}

/** The pair's weights before, in the order of the configured routes. */
export function parseBefore(tag: string | undefined): Weights[] {
  return (tag ?? "").split(" ").flatMap((part) => {
    const [blue, green] = part.split(":").map(Number);
    return blue === undefined || green === undefined || Number.isNaN(blue + green) ? [] : [{ blue, green }];
  });
}

/** The tags that green would carry if it were created from what was just read. */
export function greenTags(v: View): Tag[] {
  const inherited = v.primary?.spec ?? v.d.target.taskSet ?? {};
  return tagsOf({ ...inherited, ...v.d.request.taskSet }, v.d);
}

/** The registration of a new revision: the base one with the requested images. */
export function withImages(
  registration: Record<string, unknown>,
  images: Record<string, string>,
): Record<string, unknown> {
  const containers = registration["containerDefinitions"];
  if (!Array.isArray(containers)) return registration;
  return {
    ...registration,
    containerDefinitions: containers.map((container: { name?: string }) => {
      const image = container.name === undefined ? undefined : images[container.name];
      return image === undefined ? container : { ...container, image };
    }),
  };
}
