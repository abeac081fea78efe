import { readFileSync, writeFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { OpenAPIV3_1 } from "openapi-types";
import { afterEach, beforeEach, expect, it } from "vitest";
import { tags } from "../../src/api/description.ts";
import { documentOf, operationsOf } from "./support/operations.ts";
import { createStage, type Stage } from "./support/stage.ts";

let stage: Stage;
let document: OpenAPIV3_1.Document;
beforeEach(async () => {
  stage = await createStage();
  document = await documentOf(stage.app);
});
afterEach(() => stage.app.close());

it("docs/openapi.json is what the API says of itself (TEAL_UPDATE=1 writes it)", () => {
  const path = "docs/openapi.json";
  if (process.env["TEAL_UPDATE"] === "1") writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(document);
});

it("is a valid document of OpenAPI 3.1", async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
  const broken = { ...structuredClone(document), paths: { "/v1/plan": { post: { responses: [] } } } };
  expect((await new Validator().validate(broken)).valid).toBe(false);
});

it("gives every operation a name of its own, a known tag, a summary, its protection and its problems", () => {
  const known = tags.map(({ name }) => name);
  const names = operationsOf(document).map(({ name: where, says }) => {
    const { operationId = "", summary = "", tags: [tag = ""] = [], responses = {}, security } = says;
    expect(operationId, where).toMatch(/^[a-z][A-Za-z]+$/);
    expect(summary, where).toMatch(/^[A-Z].+[^.]$/);
    expect(known, where).toContain(tag);
    expect(where.includes("/v1/") === (responses["4XX"] !== undefined), where).toBe(true);
    const open = security?.length === 0;
    expect([where, open]).toEqual([where, tag === "health" || tag === "webhooks"]);
    return operationId;
  });
  expect(new Set(names).size).toBe(names.length);
});

it("says in words what answers are, down to their fields", () => {
  const { Deployment } = document.components?.schemas ?? {};
  expect(Deployment).toHaveProperty("properties.hold");
  expect(JSON.stringify(Deployment)).toContain("CI need not wait any longer.");
});

it("gives an example of every body, as the page for people shows it", () => {
  const bodies = operationsOf(document).flatMap(({ name, says: { requestBody } }) =>
    requestBody && "content" in requestBody ? [[name, requestBody.content["application/json"]?.example]] : [],
  );
  expect(bodies.length).toBeGreaterThan(5);
  for (const [name, example] of bodies) expect(example, String(name)).toBeTypeOf("object");
});
