import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

/** compose.yaml, as far as it can be told without Docker: that it fits the image, the README and the environment. */

const text = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
const part = z.object({
  environment: z.record(z.string(), z.string().nullable()),
  volumes: z.tuple([
    z.object({
      type: z.literal("bind"),
      source: z.string(),
      target: z.string(),
      read_only: z.literal(true),
      bind: z.object({ create_host_path: z.literal(false) }),
    }),
  ]),
});
const { services } = z
  .object({ services: z.object({ api: part, worker: part }) })
  .parse(parse(text("compose.yaml"), { merge: true }));
const parts = Object.entries(services);

describe.each(parts)("the %s of compose.yaml", (_, { environment, volumes: [config] }) => {
  test("is given only variables that Teal reads", () => {
    const known = text("src/config/environment.ts");
    const names = Object.keys(environment).filter((name) => !name.startsWith("AWS_"));
    expect(names).toContain("REDIS_URL");
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("finds its file in a mounted folder, which follows an editor that puts another file in its place", () => {
    const [, inImage = ""] = /TEAL_CONFIG=(\S+)/.exec(text("Dockerfile")) ?? [];
    expect(config.target).toBe(posix.dirname(inImage));
    const [, folder = ""] = /^\$\{TEAL_CONFIG_FOLDER:-\.\/(\w+)\}$/.exec(config.source) ?? [];
    expect(text("README.md")).toContain(`mkdir -p ${folder} && cp examples/teal.yaml ${folder}/`);
    expect(posix.basename(inImage)).toBe("teal.yaml");
  });
});

test("the worker alone of compose.yaml can call hooks, the API alone be called", () => {
  const [api, worker] = [services.api, services.worker].map(({ environment }) => Object.keys(environment));
  expect(worker?.filter((name) => !api?.includes(name))).toEqual(["TEAL_GITHUB_TOKEN", "TEAL_HOOK_SECRET"]);
  expect(api?.filter((name) => !worker?.includes(name))).toEqual([
    "TEAL_TOKEN",
    "TEAL_GITHUB_SECRET",
    "TEAL_EVENTBRIDGE_KEY",
    "TEAL_WEBHOOK_SECRET",
  ]);
});
