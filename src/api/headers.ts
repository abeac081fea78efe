/** Headers that keep browsers from making more of an answer than it is. No other site may read any: there is no CORS. */
import helmet from "@fastify/helmet";
import type { App } from "./parts.ts";

/** For answers that no browser needs to show. */
export async function addHeaders(app: App): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: policy({}),
    crossOriginResourcePolicy: { policy: "same-origin" },
    frameguard: { action: "deny" },
    // Its other names on this domain are not Teal's to decide about.
    strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
  });
  app.addHook("onRequest", async (request, reply) => {
    // By the route, for a path can be written in many ways.
    if ((request.routeOptions.url ?? request.url).startsWith("/v1/"))
      void reply.header("cache-control", "no-store");
  });
}

/** Nothing may be loaded, run, framed or sent anywhere but what is named. */
export function policy(allowed: Record<string, string[]>) {
  const directives = {
    "default-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'none'"],
    ...allowed,
  };
  return { useDefaults: false, directives };
}
