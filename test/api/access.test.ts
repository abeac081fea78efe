/**
 * Who may use which operation: every operation, by every role, for its own and for a foreign service, as the table in
 * docs/access.md says. The operations come from the description, so a new one fails here until it has a request below
 * and its row there (`TEAL_UPDATE=1` writes the rows from what the routes say of themselves).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Access } from "../../src/api/access.ts";
import { actionOf } from "../../src/api/commands.ts";
import { mint, tokenId } from "../../src/auth/tokens.ts";
import { type Action, type Grant, type Role, roleNames, roles } from "../../src/auth/roles.ts";
import { createStage, type Stage, token as root } from "./support/stage.ts";

interface Sent {
  url: string;
  body?: object;
}
/** By operation: a request about the service, which has the deployment `id`. */
const requests: Record<string, (service: string, id: string) => Sent> = {
  "POST /v1/deployments": (service) => ({
    url: "/v1/deployments",
    body: { service, taskDefinition: "web:3", whenBusy: "queue" },
  }),
  "POST /v1/deployments, with force": (service) => ({
    url: "/v1/deployments",
    body: { service, taskDefinition: "web:3", whenBusy: "queue", force: true },
  }),
  "GET /v1/deployments": () => ({ url: "/v1/deployments" }),
  "GET /v1/deployments/{id}": (_service, id) => ({ url: `/v1/deployments/${id}` }),
  "GET /v1/deployments/{id}/events": (_service, id) => ({ url: `/v1/deployments/${id}/events` }),
  "POST /v1/deployments/{id}/gates/{gate}/answer": (_service, id) => ({
    url: `/v1/deployments/${id}/gates/smoke/answer`,
    body: { attempt: 1, status: "SUCCEEDED" },
  }),
  "POST /v1/deployments/{id}/redeploy": (_service, id) => ({
    url: `/v1/deployments/${id}/redeploy`,
    body: {},
  }),
  "POST /v1/plan": (service) => ({ url: "/v1/plan", body: { service, taskDefinition: "web:3" } }),
  "GET /v1/services": () => ({ url: "/v1/services" }),
  "GET /v1/services/{name}": (service) => ({ url: `/v1/services/${service}` }),
  "GET /v1/services/{name}/strays": (service) => ({ url: `/v1/services/${service}/strays` }),
  "POST /v1/services/{name}/recover": (service) => ({
    url: `/v1/services/${service}/recover`,
    body: { deployment: "gone-1", way: "back" },
  }),
  "GET /v1/audit": () => ({ url: "/v1/audit" }),
  "GET /v1/schedules": () => ({ url: "/v1/schedules" }),
  "GET /v1/deliveries": () => ({ url: "/v1/deliveries" }),
  "GET /v1/deliveries/{id}": () => ({ url: "/v1/deliveries/none" }),
  "POST /v1/deliveries/{id}/redeliver": () => ({ url: "/v1/deliveries/none/redeliver", body: {} }),
  "GET /v1/tokens": () => ({ url: "/v1/tokens" }),
  "POST /v1/tokens": () => ({
    url: "/v1/tokens",
    body: { name: "eve", grants: [{ role: "viewer", services: ["checkout"] }] },
  }),
  "DELETE /v1/tokens/{id}": () => ({ url: "/v1/tokens/0000000000000000" }),
  "GET /v1/whoami": () => ({ url: "/v1/whoami" }),
  ...Object.fromEntries(
    Object.keys(actionOf).map((command) => [
      `POST /v1/deployments/{id}/commands ${command}`,
      (_service: string, id: string) => ({
        url: `/v1/deployments/${id}/commands`,
        body: { command, ...(command === "override" && { reason: "it must be" }) },
      }),
    ]),
  ),
};

/** Where the right depends on what the request asks. */
const byRequest: Record<string, [suffix: string, action: Action][]> = {
  "POST /v1/deployments/{id}/commands": Object.entries(actionOf).map(([name, action]) => [
    ` ${name}`,
    action,
  ]),
  "POST /v1/deployments": [
    ["", "deploy"],
    [", with force", "override"],
  ],
};

interface Row {
  operation: string;
  access: Access;
  action?: Action;
}

let stage: Stage;
let rows: Row[];
const ids: Record<string, string> = {};
const own = "checkout";
const foreign = "worker";

beforeAll(async () => {
  stage = await createStage();
  for (const service of [own, foreign]) ids[service] = await stage.start(service);
  const { paths } = (await stage.app.inject("/openapi.json")).json();
  rows = Object.entries<Record<string, { "x-access"?: Access }>>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { "x-access": access }]) => {
      if (!access) return [];
      const operation = `${method.toUpperCase()} ${path}`;
      const parts = byRequest[operation];
      if (parts) return parts.map(([suffix, action]) => ({ operation: operation + suffix, access, action }));
      return [
        {
          operation,
          access,
          ...("action" in access && access.action !== "by request" && { action: access.action }),
        },
      ];
    }),
  );
});
afterAll(() => stage.app.close());

async function tokenWith(grants: Grant[]): Promise<string> {
  const { text, record } = mint({
    id: tokenId(),
    name: "eve",
    kind: "operator",
    grants,
    createdAt: 0,
    createdBy: "root",
  });
  await stage.tokens.write(record);
  const { id } = record;
  held.push(id);
  return text;
}
const held: string[] = [];

async function statusOf(operation: string, authorization: string | undefined, service: string) {
  const request = requests[operation];
  if (!request) throw new Error(`${operation} has no request in this test`);
  const { url, body } = request(service, ids[service] ?? "");
  const [method = ""] = operation.split(" ");
  const answer = await stage.app.inject({
    method: method as "GET" | "POST" | "DELETE",
    url,
    headers: { ...(authorization && { authorization }), ...(body && { "content-type": "application/json" }) },
    ...(body && { payload: JSON.stringify(body) }),
  });
  if (answer.statusCode === 403) expect(answer.json()).toMatchObject({ code: "forbidden" });
  return { refused: [401, 403].includes(answer.statusCode), status: answer.statusCode, answer };
}

describe("the table in docs/access.md", () => {
  const page = "docs/access.md";
  const marks = ["<!-- operations:begin -->", "<!-- operations:end -->"] as const;
  const table = () => {
    const [before = "", rest = ""] = readFileSync(page, "utf8").split(marks[0]);
    const [text = "", after = ""] = rest.split(marks[1]);
    return { before, text, after };
  };

  it("has a row for every operation, as the routes say of themselves", () => {
    const written = rows.map(({ operation, access, action }) => {
      const may = roleNames.map((role) => mark(access, action, role));
      return `| \`${operation}\` | ${action ?? "–"} | ${scopes[access.of]} | ${may.join(" | ")} |`;
    });
    const head = [
      `| operation | right | of | ${roleNames.join(" | ")} |`,
      `|${" --- |".repeat(3 + roleNames.length)}`,
    ];
    const { before, text, after } = table();
    if (process.env["TEAL_UPDATE"] === "1") {
      writeFileSync(
        page,
        `${before}${marks[0]}\n\n${[...head, ...written].join("\n")}\n\n${marks[1]}${after}`,
      );
    } else expect(cells(text.trim().split("\n")).slice(2)).toEqual(cells(written));
  });

  it("is what happens, for every role, with a foreign service refused", async () => {
    const tried: string[] = [];
    for (const line of table().text.trim().split("\n").slice(2)) {
      const [, name = "", , of = "", ...may] = line.split("|").map((cell) => cell.trim());
      const operation = name.replaceAll("`", "");
      if (of === scopes.signed) continue;
      for (const [index, role] of roleNames.entries()) {
        const yes = may[index] === "yes";
        const here = `Bearer ${await tokenWith([{ role, services: [own] }])}`;
        const everywhere = `Bearer ${await tokenWith([{ role, services: ["*"] }])}`;
        const outcomes = {
          own: (await statusOf(operation, here, own)).refused,
          foreign: (await statusOf(operation, here, foreign)).refused,
          all: (await statusOf(operation, everywhere, foreign)).refused,
        };
        const wanted = {
          own: !(yes && of !== scopes.all),
          // What is of some or of nobody holds no foreign service; the next tests tell.
          foreign: !(yes && of !== scopes.all && of !== scopes.service),
          all: !yes,
        };
        expect(outcomes, `${operation} by ${role}`).toEqual(wanted);
        tried.push(operation);
      }
      for (const authorization of [
        undefined,
        "Bearer nobody's",
        `Bearer teal_${"0".repeat(16)}_${"A".repeat(43)}`,
      ]) {
        expect((await statusOf(operation, authorization, own)).status, operation).toBe(401);
      }
      for (const id of held.splice(0)) await stage.tokens.remove(id);
    }
    expect(new Set(tried)).toEqual(
      new Set(rows.filter(({ access }) => access.of !== "signed").map(({ operation }) => operation)),
    );
  }, 60_000);
});

const scopes = {
  service: "the service",
  some: "each service",
  all: "all services",
  who: "nobody",
  signed: "a signature",
};

function cells(lines: string[]): string[][] {
  return lines.map((line) => line.split("|").map((cell) => cell.trim()));
}

function mark(access: Access, action: Action | undefined, role: Role): string {
  if (access.of === "signed") return "–";
  return access.of === "who" || (action && roles[role].includes(action)) ? "yes" : "no";
}

describe("lists hold what may be seen, and nothing else", () => {
  it.each([
    [own, foreign],
    [foreign, own],
  ])("%s", async (seen, unseen) => {
    const authorization = `Bearer ${await tokenWith([{ role: "viewer", services: [seen] }])}`;
    for (const operation of ["GET /v1/deployments", "GET /v1/services"]) {
      const { answer } = await statusOf(operation, authorization, seen);
      const text = JSON.stringify(answer.json().deployments ?? answer.json().services);
      expect(text).toContain(`"${seen}"`);
      expect(text).not.toContain(`"${unseen}"`);
    }
  });
});

it("a token may be cut down to single actions, and no listing helps it further", async () => {
  const grants: Grant[] = [{ role: "operator", services: ["*"], actions: ["answer"] }];
  const authorization = `Bearer ${await tokenWith(grants)}`;
  const may = [];
  for (const { operation, access } of rows) {
    if (access.of === "signed") continue;
    if (!(await statusOf(operation, authorization, own)).refused) may.push(operation);
  }
  expect(may).toEqual(["POST /v1/deployments/{id}/gates/{gate}/answer", "GET /v1/whoami"]);
});

it("a name in the header counts only where the token is shared", async () => {
  const start = async (authorization: string) => {
    const { answer } = await statusOf("POST /v1/deployments", authorization, own);
    const again = await stage.app.inject({
      method: "POST",
      url: "/v1/deployments",
      headers: { authorization, "teal-actor": "mallory" },
      payload: { service: own, taskDefinition: "web:3", whenBusy: "queue" },
    });
    return [answer.json().actor.name, again.json().actor.name];
  };
  expect(await start(`Bearer ${root}`)).toEqual(["api", "mallory"]);
  const eve = await tokenWith([{ role: "deployer", services: [own] }]);
  expect(await start(`Bearer ${eve}`)).toEqual(["eve", "eve"]);
});
