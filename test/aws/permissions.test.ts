/** The page on permissions names every action that the code calls, and no other. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the page, its policy and the code name the same actions", () => {
  const folder = new URL("../../src/aws/", import.meta.url);
  const files = [...readdirSync(folder).map((name) => new URL(name, folder)), effects];
  const code = files.map((file) => readFileSync(file, "utf8"));
  const page = readFileSync(new URL("../../docs/aws-permissions.md", import.meta.url), "utf8");
  const [tables = "", policy = ""] = page.split("## A policy");
  // Granted with what needs it, not called.
  const calls = (text: string) => actionsIn(text).filter((action) => action !== "iam:PassRole");
  expect(calls(tables)).toEqual(calls(code.join("\n")));
  expect(actionsIn(policy)).toEqual(actionsIn(tables));
});

/** Which action carries an effect out is known there. */
const effects = new URL("../../src/deployment/effect.ts", import.meta.url);

function actionsIn(text: string): string[] {
  const found =
    text.match(/\b(?:(?:ecs|elasticloadbalancing|cloudwatch):[A-Z][A-Za-z]+|iam:PassRole)(?=["`])/gu) ?? [];
  return [...new Set(found)].toSorted((a, b) => a.localeCompare(b));
}
