/** Who may use which route. Every route under /v1 says so, or the app isn't built; see docs/access.md. */
import type { FastifyRequest } from "fastify";
import type { Authenticate } from "../auth/authenticate.ts";
import { type Identity, permit } from "../auth/identity.ts";
import { type Action, may, mayAnywhere } from "../auth/roles.ts";
import { TealError } from "../errors.ts";
import type { App } from "./parts.ts";

/**
 * `service`: the right is needed for the service that the request turns out to be about; the handler says which, by
 * `request.permit`, before it does or tells anything. `some`: it is needed for any service, and the answer holds
 * those for which it is there (`request.may`). `all`: for every service. `who`: it is enough to be known.
 * `signed`: the route checks a signature instead.
 */
export type Access =
  | { action: Action | "by request"; of: "service" }
  | { action: Action; of: "some" | "all" }
  | { of: "who" | "signed" };

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; on routes under /v1 that no signature protects. */
    identity: Identity;
    /** Throws TealError('forbidden') without the right; `action` where the route leaves it to the request. */
    permit(service: string, action?: Action): void;
    /** Whether the route's right is there for the service. */
    may(service: string): boolean;
    permitted: boolean;
  }
}

export function guardAccess(app: App, authenticate: Authenticate): void {
  app.decorateRequest("identity");
  app.decorateRequest("permitted", false);
  app.decorateRequest("permit", function (this: FastifyRequest, service, action) {
    const access = accessOf(this);
    const asked = access?.of === "service" && access.action === "by request" ? action : actionOf(access);
    if (asked === undefined)
      throw new TealError("internal", "a route that asks for no right was asked for one");
    permit(this.identity, action ?? asked, service);
    this.permitted = true;
  });
  app.decorateRequest("may", function (this: FastifyRequest, service) {
    const action = actionOf(accessOf(this));
    return action !== undefined && may(this.identity.grants, action, service);
  });

  app.addHook("onRoute", ({ url, method, config }) => {
    if (!isGuarded(url) || config?.access) return;
    throw new Error(`${String(method)} ${url} does not say who may use it`);
  });

  app.addHook("onRequest", async (request) => {
    const url = request.routeOptions.url;
    const access = accessOf(request);
    // What is not there is told to those only who are known.
    if (url !== undefined ? !isGuarded(url) || access?.of === "signed" : !isGuarded(request.url)) return;
    request.identity = await authenticate(request.headers.authorization);
    if (access?.of === "all") permit(request.identity, access.action);
    if (access?.of === "some" && !mayAnywhere(request.identity.grants, access.action)) {
      permit(request.identity, access.action);
    }
  });

  // A handler that forgot to ask tells nothing.
  app.addHook("preSerialization", async (request, reply, payload) => {
    if (accessOf(request)?.of === "service" && reply.statusCode < 400 && !request.permitted) {
      throw new TealError("internal", `${request.method} ${request.routeOptions.url} asked for no right`);
    }
    return payload;
  });
}

function isGuarded(url: string): boolean {
  return url.startsWith("/v1/");
}

function accessOf(request: FastifyRequest): Access | undefined {
  return request.routeOptions.config.access;
}

function actionOf(access: Access | undefined): Action | undefined {
  return access && "action" in access && access.action !== "by request" ? access.action : undefined;
}
