import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { readEnvironment } from "../../src/config/environment.ts";
import { readConfigText } from "../../src/config/file.ts";

/** The chart, linted and rendered where helm is on PATH; `TEAL_REQUIRE_HELM=1` makes its absence a failure. */

const inRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const helm = (...args: string[]) => spawnSync("helm", args, { encoding: "utf8", timeout: 30_000 });
const found = helm("version").status === 0;
const required = process.env["TEAL_REQUIRE_HELM"] === "1";
const kubeVersion = ["--kube-version", "1.31.0"];

const named = z.object({ name: z.string() });
const container = z.object({
  args: z.array(z.string()).optional(),
  env: z.array(named.extend({ value: z.string().optional() })),
  securityContext: z.object({ readOnlyRootFilesystem: z.boolean() }),
  readinessProbe: z.object({ httpGet: z.object({ path: z.string() }) }),
});
const object = z.object({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
  data: z.record(z.string(), z.string()).optional(),
  spec: z.looseObject({}).optional(),
});
const pods = z.object({
  replicas: z.number(),
  template: z.object({
    metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
    spec: z.object({
      terminationGracePeriodSeconds: z.number(),
      enableServiceLinks: z.literal(false),
      securityContext: z.object({ runAsNonRoot: z.literal(true) }),
      containers: z.tuple([container]),
    }),
  }),
});

function render(values: string, ...more: string[]) {
  const rendered = helm(
    "template",
    "teal",
    inRoot("helm/teal"),
    "-f",
    inRoot(values),
    ...kubeVersion,
    ...more,
  );
  expect(rendered.stderr).toBe("");
  return parseAllDocuments(rendered.stdout).map((document) => object.parse(document.toJS()));
}
const kinds = (objects: readonly z.infer<typeof object>[]) => objects.map(({ kind }) => kind).toSorted();
const podsOf = (objects: readonly z.infer<typeof object>[]) =>
  objects.filter(({ kind }) => kind === "Deployment").map(({ spec }) => pods.parse(spec));

const everywhere = [
  "ConfigMap",
  "Deployment",
  "Deployment",
  "PodDisruptionBudget",
  "PodDisruptionBudget",
  "Service",
  "ServiceAccount",
];

test("helm is on PATH where TEAL_REQUIRE_HELM=1", () => {
  expect(found || !required).toBe(true);
});

const minimal = "helm/examples/values-minimal.yaml";
const irsa = "helm/examples/values-irsa.yaml";
const checksums = (...more: string[]) =>
  podsOf(render(minimal, ...more)).map(({ template }) => template.metadata.annotations["checksum/config"]);

describe.runIf(found)("the chart", () => {
  test.each([minimal, irsa])("passes helm's linter with %s", (values) => {
    const linted = helm("lint", "--strict", inRoot("helm/teal"), "-f", inRoot(values), ...kubeVersion);
    expect(linted.stdout + linted.stderr).toContain("0 chart(s) failed");
  });

  test("makes a Secret only where none is given", () => {
    expect(kinds(render(minimal))).toEqual([...everywhere, "Secret"].toSorted());
    expect(kinds(render(irsa))).toEqual(everywhere);
  });

  test("gives the workers longer to stop than they take", () => {
    const [worker] = podsOf(render(irsa)).filter(({ replicas }) => replicas === 3);
    const [{ env, args }] = worker?.template.spec.containers ?? [{ env: [], args: [] }];
    expect(args).toEqual(["dist/workers/main.js"]);
    const stopMs = Number(env.find(({ name }) => name === "TEAL_STOP_MS")?.value);
    expect(stopMs).toBe(40_000);
    expect(worker?.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(stopMs / 1_000);
  });

  test("locks every container down and asks it whether it is ready", () => {
    const containers = podsOf(render(minimal)).flatMap(({ template }) => template.spec.containers);
    expect(containers).toHaveLength(2);
    for (const { securityContext, readinessProbe } of containers) {
      expect(securityContext.readOnlyRootFilesystem).toBe(true);
      expect(readinessProbe.httpGet.path).toBe("/readyz");
    }
  });

  test("sets only variables that Teal reads, to values that it accepts", () => {
    const known = readFileSync(inRoot("src/config/environment.ts"), "utf8");
    for (const { template } of podsOf(render(irsa))) {
      const [{ env }] = template.spec.containers;
      const unknown = env.filter(({ name }) => !name.startsWith("AWS_") && !known.includes(name));
      expect(unknown).toEqual([]);
      const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
      expect(readEnvironment(given).problems).toEqual([]);
    }
  });

  test("gives sentinels in place of a URL, where there are any", () => {
    const sentinels = ["--set", "redis.sentinels=one:26379\\,two:26379", "--set", "redis.masterName=teal"];
    const wait = ["--set", "redis.wait=1:0.5s", "--set", "redis.tls=true", "--set", "secret.redisUrl="];
    for (const { template } of podsOf(render(minimal, ...sentinels, ...wait))) {
      const [{ env }] = template.spec.containers;
      expect(env.map(({ name }) => name)).not.toContain("REDIS_URL");
      const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
      expect(readEnvironment(given)).toMatchObject({
        environment: {
          REDIS_SENTINELS: [{ host: "one" }, { host: "two" }],
          REDIS_MASTER_NAME: "teal",
          REDIS_TLS: "1",
          TEAL_REDIS_WAIT: { replicas: 1, timeoutMs: 500 },
        },
      });
    }
  });

  test("restarts the pods when the configuration changes, and only then", () => {
    expect(checksums()).toEqual(checksums("--set", "worker.stopSeconds=30"));
    expect(checksums()).not.toEqual(checksums("--set", "config.strategies.quick.bake=1m"));
  });

  test("renders a teal.yaml that Teal accepts", () => {
    const text = render(irsa).find(({ kind }) => kind === "ConfigMap")?.data?.["teal.yaml"] ?? "";
    expect(readConfigText(text, "teal.yaml").problems).toEqual([]);
  });

  test.each([
    [["--set", "secret.token="], /Set secret\.token/],
    [["--set", "secret.token=short"], /token/],
    [["--set", "redis.sentinels=one:26379"], /Set redis\.masterName/],
    [["--set", "keyPrefix=teal"], /keyPrefix/],
    [["--set", "workers.replicas=3"], /workers/],
  ])("refuses %j", (more, message) => {
    const refused = helm("template", inRoot("helm/teal"), "-f", inRoot(minimal), ...kubeVersion, ...more);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(message);
  });
});
