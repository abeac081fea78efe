import { readFileSync, writeFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { OpenAPIV3_1 } from "openapi-types";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createStage, type Stage } from "./support/stage.ts";

let stage: Stage;
let document: OpenAPIV3_1.Document;
beforeEach(async () => {
  stage = await createStage();
  document = (await stage.app.inject("/openapi.json")).json();
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
