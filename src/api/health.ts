/** `/healthz`: the process lives. `/readyz`: it can keep what it is asked, that is, Redis answers. */
import { health as healthView } from "./contract.ts";
import type { ApiParts, App } from "./parts.ts";

const pingMsMax = 1_000;

export function health(app: App, { ping }: ApiParts): void {
  app.get(
    "/healthz",
    {
      logLevel: "warn",
      config: { bucket: "none" },
      schema: {
        security: [],
        operationId: "isAlive",
        tags: ["health"],
        summary: "Is the process alive?",
        response: { 200: healthView },
      },
    },
    async () => ({ status: "ok" as const }),
  );

  app.get(
    "/readyz",
    {
      logLevel: "warn",
      config: { bucket: "none" },
      schema: {
        security: [],
        operationId: "isReady",
        tags: ["health"],
        summary: "Can it accept requests?",
        response: { 200: healthView, 503: healthView },
      },
    },
    async (_request, reply) => {
      const failure = await failureOf(ping);
      return failure === undefined
        ? reply.code(200).send({ status: "ok" })
        : reply.code(503).send({ status: "unavailable", message: failure });
    },
  );
}

async function failureOf(ping: () => Promise<unknown>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, pingMsMax, `Redis did not answer within ${pingMsMax / 1000} s`);
  });
  try {
    return await Promise.race([
      ping().then(
        () => undefined,
        () => "Redis can't be reached",
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
