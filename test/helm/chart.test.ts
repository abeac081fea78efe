import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { loadConfig } from "../../src/config/config.ts";
import { readEnvironment } from "../../src/config/environment.ts";

/** The chart, linted and rendered where helm is on PATH; `TEAL_REQUIRE_HELM=1` makes its absence a failure. */

const inRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const helm = (...args: string[]) => spawnSync("helm", args, { encoding: "utf8", timeout: 30_000 });
const found = helm("version").status === 0;
const required = process.env["TEAL_REQUIRE_HELM"] === "1";
const kubeVersion = ["--kube-version", "1.31.0"];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function written(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "teal-chart-"));
  folders.push(folder);
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const named = z.object({ name: z.string() });
const variable = named.extend({
  value: z.string().optional(),
  valueFrom: z
    .object({
      secretKeyRef: z.object({ name: z.string(), key: z.string(), optional: z.boolean().optional() }),
    })
    .optional(),
});
const container = z.object({
  name: z.enum(["api", "worker"]),
  args: z.array(z.string()).optional(),
  env: z.array(variable),
  volumeMounts: z.array(named.extend({ mountPath: z.string(), subPath: z.string().optional() })),
  securityContext: z.object({ readOnlyRootFilesystem: z.boolean() }),
  readinessProbe: z.object({ httpGet: z.object({ path: z.string() }) }),
});
const object = z.object({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
  data: z.record(z.string(), z.string()).optional(),
  stringData: z.record(z.string(), z.string()).optional(),
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
      volumes: z.array(named.extend({ configMap: named.optional() })),
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

type Objects = ReturnType<typeof render>;
const containersOf = (objects: Objects) => podsOf(objects).map(({ template }) => template.spec.containers[0]);
function containerOf(part: "api" | "worker", objects: Objects) {
  const found = containersOf(objects).find(({ name }) => name === part);
  if (!found) throw new Error(`no container of the ${part} was rendered`);
  return found;
}
const configOf = (objects: Objects) =>
  objects.find(({ kind }) => kind === "ConfigMap")?.data?.["teal.yaml"] ?? "";
const withoutConfig = (objects: Objects) => objects.filter(({ kind }) => kind !== "ConfigMap");
const secretOf = (objects: Objects) => objects.find(({ kind }) => kind === "Secret")?.stringData ?? {};

/** What the kubelet would put into the container's environment, with what the Secret holds. */
function environmentOf({ env }: z.infer<typeof container>, secret: Readonly<Record<string, string>>) {
  const given = env.flatMap(({ name, value, valueFrom }): [string, string][] => {
    const ref = valueFrom?.secretKeyRef;
    const found = ref ? secret[ref.key] : value;
    if (found !== undefined) return [[name, found]];
    if (ref?.optional) return [];
    throw new Error(`${name} has no value: the Secret has no key ${ref?.key}`);
  });
  return Object.fromEntries(given);
}

/** As the process itself would, but for the place of its file. */
function load(part: "api" | "worker", objects: Objects, secret = secretOf(objects)) {
  const path = written("teal.yaml", configOf(objects));
  const environment = environmentOf(containerOf(part, objects), secret);
  return loadConfig({ ...environment, TEAL_CONFIG: path }, { calls: part === "worker" });
}

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
/** A key as it is given to `--set`: 24 bytes or more in base64. */
const key = (byte: number) => `whsec_${Buffer.alloc(25, byte).toString("base64")}`;
const called = [
  ["--set", `secret.hookSecret=${key(1)} ${key(2)}`],
  ["--set", "headerSecrets.PROM_AUTHORIZATION.value=Bearer 0123456789"],
  ["--set", "outbound.allow={prometheus.monitoring.svc,*.internal,10.20.0.0/16}"],
].flat();
/** A Secret as the values of `irsa` ask for one. */
const kept = {
  "redis-url": "redis://redis:6379",
  token: "0123456789abcdef",
  "hook-secret": key(3),
  "prometheus-authorization": "Bearer 0123456789",
};

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

  test("sets only variables that Teal reads", () => {
    const known = readFileSync(inRoot("src/config/environment.ts"), "utf8");
    const names = containersOf(render(irsa)).flatMap(({ env }) => env.map(({ name }) => name));
    expect(names.filter((name) => !/^(AWS|TEAL_SECRET)_/.test(name) && !known.includes(name))).toEqual([]);
  });

  test("gives the workers what calls to others need", () => {
    const { outbound, worker } = load(
      "worker",
      render(minimal, ...called, "--set", "worker.straysSeconds=90"),
    );
    expect(outbound.hookKeys.map((hookKey) => hookKey.reveal())).toEqual([key(1), key(2)]);
    expect(outbound.secrets["PROM_AUTHORIZATION"]?.reveal()).toBe("Bearer 0123456789");
    expect(outbound.allow).toEqual({
      names: ["prometheus.monitoring.svc"],
      suffixes: [".internal"],
      ranges: ["10.20.0.0/16"],
    });
    expect(worker.straysMs).toBe(90_000);
    expect(load("worker", render(minimal)).worker).toEqual(
      loadConfig({ TEAL_CONFIG: written("teal.yaml", "services: {}") }).worker,
    );
  });

  test("gives the API, which calls neither hooks nor checks, none of their secrets", () => {
    const objects = render(minimal, ...called);
    const [api, worker] = (["api", "worker"] as const).map((part) =>
      containerOf(part, objects).env.map(({ name }) => name),
    );
    const ofCalls = /^TEAL_(GITHUB_TOKEN|HOOK_SECRET|SECRET_\w+)$/;
    expect(api?.filter((name) => ofCalls.test(name))).toEqual([]);
    expect(worker?.filter((name) => ofCalls.test(name))).toHaveLength(3);
    expect(api).toContain("TEAL_OUTBOUND_ALLOW");
    expect(worker).toContain("TEAL_OUTBOUND_ALLOW");
    expect(worker).not.toContain("TEAL_TOKEN");
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

  test("leaves the pods alone when the configuration changes, since they read it again", () => {
    const changed = render(minimal, "--set", "config.strategies.quick.bake=1m");
    expect(configOf(changed)).not.toBe(configOf(render(minimal)));
    expect(withoutConfig(changed)).toEqual(withoutConfig(render(minimal)));
  });

  test("mounts the ConfigMap as a folder, which follows its changes", () => {
    const objects = render(minimal);
    const [map] = objects.filter(({ kind }) => kind === "ConfigMap");
    for (const { template } of podsOf(objects)) {
      const [{ env, volumeMounts }] = template.spec.containers;
      const path = env.find(({ name }) => name === "TEAL_CONFIG")?.value ?? "";
      const mount = volumeMounts.find(({ mountPath }) => mountPath === dirname(path));
      expect(mount).toBeDefined();
      expect(mount?.subPath).toBeUndefined();
      const volume = template.spec.volumes.find(({ name }) => name === mount?.name);
      expect(volume?.configMap?.name).toBe(map?.metadata.name);
    }
  });

  test.each([
    ["token", "another-secret-of-the-api"],
    ["hookSecret", key(9)],
    ["githubSecret", "a-key-of-16-characters another-key-of-the-same"],
    ["eventbridgeKey", "a-key-of-16-characters"],
  ])("replaces the pods when the Secret gets another %s", (name, value) => {
    const [before, after] = [[], ["--set", `secret.${name}=${value}`]].map((more) =>
      podsOf(render(minimal, ...more)).map(({ template }) => template.metadata.annotations),
    );
    expect(after).not.toEqual(before);
  });

  test.each(["api", "worker"] as const)(
    "renders a teal.yaml and an environment that pass in the %s",
    (part) => {
      expect(Object.keys(load(part, render(irsa), kept).services)).toEqual(["checkout"]);
    },
  );

  test("renders the whole language as it was written", () => {
    const path = inRoot("examples/teal.yaml");
    const whole: unknown = parse(readFileSync(path, "utf8"));
    const values = written("values.json", JSON.stringify({ config: whole }));
    const { services, strategies, checks, freezes, schedules, webhooks } = loadConfig({ TEAL_CONFIG: path });
    const rendered = load("worker", render(minimal, "-f", values));
    expect(rendered).toMatchObject({ services, strategies, checks, freezes, schedules, webhooks });
  });

  test.each([
    [["--set", "secret.token="], /Set secret\.token/],
    [["--set", "secret.token=short"], /token/],
    [["--set", "redis.sentinels=one:26379"], /Set redis\.masterName/],
    [["--set", "keyPrefix=teal"], /keyPrefix/],
    [
      ["--set", "secret.hookSecret=not-such-a-key"],
      /^(?!.*not-such-a-key).*secret\.hookSecret must be whsec_/s,
    ],
    [
      ["--set", "secret.githubSecret=too-short"],
      /^(?!.*too-short).*secret\.githubSecret must be at least 16 characters/s,
    ],
    [["--set", "headerSecrets.prom.value=0123456789"], /prom/],
    [["--set", "headerSecrets.PROM_FILE.value=0123456789"], /PROM_FILE/],
    [["--set", "headerSecrets.PROM.key=prom"], /Set headerSecrets\.PROM\.value/],
    [["--set", "secret.existing=kept,headerSecrets.PROM.value=0123456789"], /Set headerSecrets\.PROM\.key/],
    [["--set", "outbound.allow={a b}"], /outbound/],
    [["--set", "workers.replicas=3"], /workers/],
  ])("refuses %j", (more, message) => {
    const refused = helm("template", inRoot("helm/teal"), "-f", inRoot(minimal), ...kubeVersion, ...more);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(message);
  });
});
