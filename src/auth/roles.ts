/** What may be done, the roles that bundle it, and who has which for which services. Pure. */
import { isLike } from "../config/pattern.ts";

/** What a request does, as far as permission goes. docs/access.md tells them one by one. */
export const actions = [
  /** Read deployments, services, plans. */
  "view",
  /** Start a deployment; call one off that waits. */
  "deploy",
  /** Go back. Apart from `deploy`, so that whoever watches over a service can stop what others began. */
  "rollback",
  /** Let an approval pass. */
  "approve",
  /** Pause, resume, promote, skip, retry. */
  "steer",
  /** Go on in spite of a window or freeze, deploy a stale build, release, recover. */
  "override",
  /** Say what came of a hook. */
  "answer",
  /** Read who did what. */
  "audit",
  /** Tokens, and what was delivered to the webhooks. */
  "administer",
] as const;
export type Action = (typeof actions)[number];

export const roleNames = ["viewer", "deployer", "approver", "operator", "admin"] as const;
export type Role = (typeof roleNames)[number];

export const roles: Readonly<Record<Role, readonly Action[]>> = {
  viewer: ["view"],
  deployer: ["view", "deploy", "rollback"],
  approver: ["view", "approve"],
  operator: ["view", "deploy", "rollback", "approve", "steer", "override", "answer", "audit"],
  admin: actions,
};

/** A role for some services, or a part of it. */
export interface Grant {
  role: Role;
  /** Names of services; `*` in one stands for any characters, and alone for all services, present and to come. */
  services: readonly string[];
  /** Only these of the role's. */
  actions?: readonly Action[];
}

/** @param service left out: asks for the right over all services, as what concerns Teal as a whole needs it */
export function may(grants: readonly Grant[], action: Action, service?: string): boolean {
  return grants.some(
    (grant) =>
      holds(grant, action) &&
      (service === undefined
        ? grant.services.includes("*")
        : grant.services.some((pattern) => isLike(service, pattern))),
  );
}

/** Whether it may be done to some service at all. */
export function mayAnywhere(grants: readonly Grant[], action: Action): boolean {
  return grants.some((grant) => holds(grant, action) && grant.services.length > 0);
}

function holds({ role, actions: some }: Grant, action: Action): boolean {
  return roles[role].includes(action) && (some?.includes(action) ?? true);
}
