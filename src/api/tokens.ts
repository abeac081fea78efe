/** `/v1/tokens`: make, list and revoke API tokens. `/v1/whoami`: who the one is that asks. */
import { z } from "zod";
import type { TokenRecord } from "../auth/ports.ts";
import { mint, tokenId } from "../auth/tokens.ts";
import { TealError } from "../errors.ts";
import { actorOf, askingHeaders } from "./asking.ts";
import {
  newToken,
  tokenIdentifier,
  tokenPage,
  tokenQuery,
  tokenRequest,
  type TokenView,
  tokenView,
  whoami,
} from "./contract.ts";
import { iso } from "./moments.ts";
import type { ApiParts, App } from "./parts.ts";

const dayMs = 86_400_000;

export function tokens(app: App, { tokens, clock, log }: ApiParts): void {
  app.post(
    "/v1/tokens",
    {
      // What it answers must not be kept.
      config: { access: { action: "administer", of: "all" }, repeats: "own" },
      schema: {
        operationId: "createToken",
        tags: ["access"],
        summary: "Make a token",
        description:
          "Its text is in this answer and nowhere else. The same request with the same Idempotency-Key gives the token another text; what an earlier answer held is worth nothing then.",
        headers: askingHeaders,
        body: tokenRequest,
        response: { 201: newToken },
      },
    },
    async (request, reply) => {
      const { name, kind, grants, days } = request.body;
      const key = request.headers["idempotency-key"];
      const by = actorOf(request);
      const fingerprint = JSON.stringify(request.body);
      const id = tokenId(key && `${request.identity.id} ${key}`);
      const before = key === undefined ? undefined : await tokens.find(id);
      if (before && before.fingerprint !== fingerprint) {
        throw new TealError("idempotency-conflict", "This Idempotency-Key was used for another request.");
      }
      const now = clock.now();
      const { text, record } = mint({
        id,
        name,
        kind,
        grants: grants.map(({ actions, ...grant }) => ({ ...grant, ...(actions && { actions }) })),
        createdAt: now,
        createdBy: by.name,
        expiresAt: now + days * dayMs,
        ...(key !== undefined && { fingerprint }),
      });
      await tokens.write(record);
      log.info({ tokenId: id, name, actor: by.name }, "made a token");
      return reply.code(201).send({ ...viewOf(record, now), token: text });
    },
  );

  app.get(
    "/v1/tokens",
    {
      config: { access: { action: "administer", of: "all" } },
      schema: {
        operationId: "listTokens",
        tags: ["access"],
        summary: "List the tokens, newest first",
        querystring: tokenQuery,
        response: { 200: tokenPage },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const all = await tokens.list();
      const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor);
      if (from < 0)
        throw new TealError("bad-request", "query.cursor names a token that is gone; begin anew.");
      const next = all[from + limit]?.id;
      return {
        tokens: all.slice(from, from + limit).map((record) => viewOf(record, clock.now())),
        ...(next !== undefined && { next }),
      };
    },
  );

  app.delete(
    "/v1/tokens/:id",
    {
      config: { access: { action: "administer", of: "all" } },
      schema: {
        operationId: "revokeToken",
        tags: ["access"],
        summary: "Revoke a token, at once",
        params: z.strictObject({ id: tokenIdentifier }),
        response: { 200: tokenView },
      },
    },
    async (request) => {
      const { id } = request.params;
      const record = await tokens.find(id);
      if (!record || !(await tokens.remove(id))) throw new TealError("not-found", `There is no token ${id}.`);
      log.info({ tokenId: id, name: record.name, actor: request.identity.name }, "revoked a token");
      return viewOf(record, clock.now());
    },
  );

  app.get(
    "/v1/whoami",
    {
      config: { access: { of: "who" } },
      schema: {
        operationId: "whoAmI",
        tags: ["access"],
        summary: "Who asks, and what that one may do",
        response: { 200: whoami },
      },
    },
    async ({ identity: { name, kind, via, grants, expiresAt } }) => ({
      name,
      kind,
      via,
      grants: grants.map(grantOf),
      ...(expiresAt !== undefined && { expiresAt: iso(expiresAt) }),
    }),
  );
}

function viewOf(
  { id, name, kind, grants, createdAt, createdBy, expiresAt }: TokenRecord,
  now: number,
): TokenView {
  return {
    id,
    name,
    kind,
    grants: grants.map(grantOf),
    createdAt: iso(createdAt),
    createdBy,
    ...(expiresAt !== undefined && { expiresAt: iso(expiresAt) }),
    expired: expiresAt !== undefined && expiresAt <= now,
  };
}

function grantOf({ role, services, actions }: TokenRecord["grants"][number]): TokenView["grants"][number] {
  return { role, services: [...services], ...(actions && { actions: [...actions] }) };
}
