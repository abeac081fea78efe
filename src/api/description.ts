/**
 * What the API says of itself: `/openapi.json`, made from the schemas of its routes, and pages for people at `/docs`
 * and `/docs/errors`. All of it stands in this process; the pages load nothing from elsewhere.
 */
import { STATUS_CODES } from "node:http";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import type { OpenAPIV3_1 } from "openapi-types";
import { problemMediaType } from "./contract.ts";
import { policy } from "./headers.ts";
import { errorsPage, errorsPageStyle } from "./errorsPage.ts";
import type { App } from "./parts.ts";
import { errorsPath } from "./problems.ts";

/** Every operation has one; the first is shown first. */
export const tags = [
  { name: "deployments", description: "Starting them, looking at them, and going back." },
  { name: "commands", description: "What people, CI and hooks ask of a deployment under way." },
  { name: "services", description: "What is configured, who has it, and what no record answers for." },
  { name: "access", description: "Tokens, and who one is." },
  { name: "webhooks", description: "Deliveries that are signed rather than sent with a token." },
  { name: "deliveries", description: "What came to the webhooks, and what it led to." },
  { name: "health", description: "For probes." },
];

const style = `
.swagger-ui .info { margin: 24px 0 } .swagger-ui .info .title { color: #007a7a }
.swagger-ui .scheme-container { padding: 12px 0 }
`;

const failed = { $ref: "#/components/responses/Problem" };
const problem = {
  description: "Why not, as RFC 9457 has it.",
  content: { [problemMediaType]: { schema: { $ref: "#/components/schemas/ProblemDetails" } } },
};

/** Registers what makes the description; before the routes, which it hears of as they are added. */
export async function describeApi(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "Teal",
        description:
          "Blue/green and canary deployments of Amazon ECS services. [What each error means](/docs/errors)",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
        version: "1",
      },
      tags,
      components: {
        securitySchemes: {
          token: {
            type: "http",
            scheme: "bearer",
            description: "A token that Teal made, an issuer's, or TEAL_TOKEN.",
          },
        },
        responses: { Problem: problem },
      },
      security: [{ token: [] }],
    },
    transform: (data) => {
      const { schema, url } = jsonSchemaTransform(data);
      const access = data.route.config?.access;
      return { schema: access ? { ...schema, "x-access": access } : schema, url };
    },
    transformObject: (document) => {
      const named = jsonSchemaTransformObject(document);
      return isOfToday(named) ? tidied(named) : named;
    },
  });
}

/** Serves it; after the routes. */
export async function servePages(app: App): Promise<void> {
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  const ownStyle = { contentSecurityPolicy: policy({ "style-src": [errorsPageStyle] }) };
  app.get(errorsPath, { schema: { hide: true }, helmet: ownStyle }, async (_request, reply) =>
    reply.type("text/html; charset=utf-8").send(errorsPage),
  );
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: {
      ...policy({}).directives,
      "script-src": "'self'",
      "style-src": "'self'",
      "img-src": "'self' data:",
      "connect-src": "'self'",
    },
    theme: { title: "Teal: the API", css: [{ filename: "teal.css", content: style }] },
    // Without the bar on top, which would show other documents as if they were ours.
    uiConfig: { layout: "BaseLayout", docExpansion: "list", defaultModelsExpandDepth: 0 },
  });
}

function isOfToday(document: object): document is OpenAPIV3_1.Document {
  return "openapi" in document && String(document.openapi).startsWith("3.1");
}

/** What the routes' schemas don't say by themselves, and nothing that none of them needs. */
function tidied(document: OpenAPIV3_1.Document): OpenAPIV3_1.Document {
  for (const operation of operationsOf(document)) {
    const responses = operation.responses ?? {};
    for (const [status, response] of Object.entries(responses)) {
      if ("description" in response && response.description === "Default Response") {
        response.description = STATUS_CODES[status] ?? status;
      }
    }
    // Probes look at the status alone.
    if (!operation.tags?.includes("health"))
      operation.responses = { ...responses, "4XX": failed, "5XX": failed };
  }
  const { schemas = {}, ...components } = document.components ?? {};
  return { ...document, components: { ...components, schemas: used(schemas, document) } };
}

function operationsOf({ paths = {} }: OpenAPIV3_1.Document): OpenAPIV3_1.OperationObject[] {
  return Object.values(paths).flatMap((path) =>
    [path?.get ?? [], path?.post ?? [], path?.delete ?? []].flat(),
  );
}

/** Every schema with a name is made for requests and for answers; most are used for one of them. */
function used<T>(schemas: Record<string, T>, { paths, components }: OpenAPIV3_1.Document): Record<string, T> {
  const kept = new Set<string>();
  const follow = (part: unknown): void => {
    for (const [, name = ""] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (kept.has(name)) continue;
      kept.add(name);
      follow(schemas[name] ?? {});
    }
  };
  follow([paths, components?.responses]);
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => kept.has(name)));
}
