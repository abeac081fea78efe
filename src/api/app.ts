/** The HTTP API: routes, protection and the one way errors leave it. Builds only; it listens when told to. */
import { randomUUID } from "node:crypto";
import Fastify from "fastify";
import { serializerCompiler } from "fastify-type-provider-zod";
import { createAuthenticate } from "../auth/authenticate.ts";
import { createOidc } from "../auth/oidc.ts";
import { guardAccess } from "./access.ts";
import { audit } from "./audit.ts";
import { commands } from "./commands.ts";
import { bodyLimitBytes } from "./contract.ts";
import { deliveries } from "./deliveries.ts";
import { deployments } from "./deployments.ts";
import { describeApi, servePages } from "./description.ts";
import { events } from "./events.ts";
import { health } from "./health.ts";
import { addHeaders } from "./headers.ts";
import { hookAnswers } from "./hookAnswers.ts";
import { limitRates } from "./limits.ts";
import { refuseOtherMethods } from "./methods.ts";
import type { ApiParts, App } from "./parts.ts";
import { plans } from "./plan.ts";
import { answerError, checkBySchema } from "./problems.ts";
import { recovery } from "./recovery.ts";
import { redeploy } from "./redeploy.ts";
import { answerRepeats } from "./repeats.ts";
import { schedules } from "./schedules.ts";
import { services } from "./services.ts";
import { refuseConnections, refuseRequest } from "./wire.ts";
import { tokens } from "./tokens.ts";
import { webhooks } from "./webhooks/routes.ts";

/** How long a request may take to arrive, body and all; how long it then waits for its answer is another matter. */
const arrivalMsUsual = 30_000;

export async function buildApp(parts: ApiParts): Promise<App> {
  const { http } = parts.config.current();
  const { arrivalMs = arrivalMsUsual } = parts;
  const app: App = Fastify({
    loggerInstance: parts.log,
    bodyLimit: bodyLimitBytes,
    requestTimeout: arrivalMs,
    http: { headersTimeout: arrivalMs, connectionsCheckingInterval: arrivalMs / 2 },
    trustProxy: http.proxies ?? false,
    forceCloseConnections: "idle",
    // Requests on open connections are finished; each answer tells its client to leave.
    return503OnClosing: false,
    clientErrorHandler: refuseConnections(parts.log),
    frameworkErrors: refuseRequest,
    genReqId: (request) => {
      const given = request.headers["x-request-id"];
      return typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
    },
    routerOptions: { maxParamLength: 200 },
  });
  app.setValidatorCompiler(checkBySchema);
  app.setSerializerCompiler(serializerCompiler);
  await addHeaders(app);
  refuseOtherMethods(app);

  app.addHook("onRequest", async (request, reply) => {
    void reply.header("x-request-id", request.id);
  });
  const { config, clock } = parts;
  const { token: root, insecure } = config.current().http;
  const issued = createOidc({ config: () => config.current().access, keys: parts.issuers, clock });
  guardAccess(
    app,
    createAuthenticate({ ...(root && { root }), insecure, tokens: parts.tokens, issued, clock }),
  );

  const limits = await limitRates(app, parts);
  answerRepeats(app, parts);
  app.setErrorHandler(async (error, request, reply) =>
    answerError(await limits.judge(error, request), request, reply),
  );
  await describeApi(app);
  for (const routes of [
    deployments,
    events,
    commands,
    hookAnswers,
    redeploy,
    plans,
    services,
    schedules,
    recovery,
    audit,
    tokens,
    health,
    deliveries,
    webhooks,
  ])
    routes(app, parts);
  await servePages(app);
  return app;
}
