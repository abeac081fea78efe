/** The adapter on the sandbox: a deployment carried out by hand through looks and effects alone. */
import { expect, onTestFinished, test } from "vitest";
import { realClock } from "../../sandbox/clock.ts";
import { startAws } from "../../sandbox/start.ts";
import { createCloud } from "../../src/aws/cloud.ts";
import type { CreateTaskSetRequest, AwsEffect } from "../../src/deployment/effect.ts";
import type { Look, Outcome, TaskSetSeen } from "../../src/deployment/observation.ts";
import type { RouteRef, ServiceTarget } from "../../src/deployment/target.ts";
import { forward, region, sandbox, shop, taskSet } from "../sandbox/support.ts";
import { atOnce, openGuard } from "./stub.ts";

const everything: Look = { service: true, routes: true, health: [], tasks: [], survey: true };

/** A shop whose version 1 serves, with a default action and a rule that have all that Teal must leave alone. */
async function scene() {
  const box = sandbox();
  const parts = shop(box);
  const { blue, green, listener, balancer, definition } = parts;
  const made = box.aws.elb(region, "CreateTargetGroup", { Name: "third", Port: 80, TargetType: "ip" });
  const third = made.TargetGroups[0]?.TargetGroupArn ?? "";
  const login = {
    Type: "authenticate-oidc" as const,
    AuthenticateOidcConfig: {
      Issuer: "https://id.example.com",
      AuthorizationEndpoint: "https://id.example.com/authorize",
      TokenEndpoint: "https://id.example.com/token",
      UserInfoEndpoint: "https://id.example.com/me",
      ClientId: "shop",
      ClientSecret: "never described",
      Scope: "openid",
    },
  };
  const shared = forward([blue, 100], [green, 0], [third, 5]);
  const sticky = {
    ...shared.ForwardConfig,
    TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 60 },
  };
  const ruled = box.aws.elb(region, "CreateRule", {
    ListenerArn: listener,
    Priority: 10,
    Conditions: [{ Field: "path-pattern", Values: ["/shop/*"] }],
    Actions: [
      { ...login, Order: 1 },
      { ...shared, ForwardConfig: sticky, Order: 2 },
    ],
  });
  const rule = ruled.Rules[0]?.RuleArn ?? "";
  const first = box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue)).taskSet.taskSetArn;
  box.clock.advance(20_000);
  box.aws.ecs(region, "UpdateServicePrimaryTaskSet", {
    cluster: "demo",
    service: "shop",
    primaryTaskSet: first,
  });

  const target: ServiceTarget = {
    name: "shop",
    region,
    cluster: "demo",
    service: "shop",
    targetGroups: [blue, green],
    routes: [
      { kind: "listener", arn: listener },
      { kind: "rule", arn: rule },
    ],
  };
  const cloud = createCloud({
    clock: box.clock,
    after: (ms, fn) => box.clock.after(ms, fn),
    requestHandler: box.handler(),
    credentials: { accessKeyId: "dummy", secretAccessKey: "dummy" },
    endpoint: "http://sandbox.invalid",
    retryStrategy: atOnce(3),
    gatherMs: 0,
  });
  const look = (asked: Partial<Look>) =>
    cloud.look(
      target,
      { service: false, routes: false, health: [], tasks: [], survey: false, ...asked },
      box.clock.now() + 15_000,
    );
  const perform = (effect: AwsEffect): Promise<Outcome> =>
    cloud.perform(target, effect, openGuard(box.clock));
  const sets = async (): Promise<TaskSetSeen[]> => {
    const { service } = await look({ service: true });
    if (!service?.ok) throw new Error("the service was not read");
    return service.value.taskSets;
  };
  return { ...parts, box, cloud, target, third, rule, balancer, look, perform, sets };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** What green would be asked for: all of blue, the other group, another token. */
async function greenRequest({ sets, green, register }: Scene): Promise<CreateTaskSetRequest> {
  const [blue] = await sets();
  if (!blue) throw new Error("no blue");
  return {
    ...blue.spec,
    loadBalancers: (blue.spec.loadBalancers ?? []).map((one) => ({ ...one, targetGroupArn: green })),
    cluster: "demo",
    service: "shop",
    taskDefinition: register("shop:2"),
    tags: [{ key: "teal:deployment", value: "d1" }],
    clientToken: "d1-1",
    scalePercent: 50,
  };
}

test("everything that a look reads is there, and agrees", async () => {
  const on = await scene();
  const seen = await on.look({ ...everything, health: [on.blue, on.green] });
  const [blue] = await on.sets();
  expect(blue).toMatchObject({ status: "PRIMARY", steady: true, running: 4, scalePercent: 100 });
  expect(seen.survey).toMatchObject({
    ok: true,
    value: {
      groups: [
        { arn: on.blue, loadBalancers: [on.balancer] },
        { arn: on.green, targetType: "ip" },
      ],
      loadBalancers: { [on.target.routes[0]?.arn ?? ""]: on.balancer, [on.rule]: on.balancer },
    },
  });
  expect(seen.survey?.ok && seen.survey.value.serving.map((one) => one.ref)).toEqual(on.target.routes);
  expect(seen.routes[on.rule]).toMatchObject({
    value: { weights: { [on.blue]: 100, [on.green]: 0, [on.third]: 5 } },
  });

  const { tasks, health } = await on.look({ tasks: [blue?.id ?? ""], health: [on.blue, on.green] });
  const registered = health[on.blue]?.ok ? health[on.blue] : undefined;
  const addresses = tasks?.ok ? tasks.value.flatMap((task) => task.addresses) : [];
  expect(addresses).toHaveLength(4);
  expect(registered?.ok && registered.value.map((one) => one.address).toSorted()).toEqual(
    addresses.toSorted(),
  );
  expect(health[on.green]).toMatchObject({ ok: true, value: [] });
});

test("a deployment by hand: create, shift, promote, scale, delete", async () => {
  const on = await scene();
  const [blue] = await on.sets();
  const request = await greenRequest(on);
  const created = await on.perform({ kind: "createTaskSet", request });
  const arn = created.kind === "done" ? (created.value.arn ?? "") : "";
  expect(arn).toContain(":task-set/");
  on.box.clock.advance(20_000);
  const green = (await on.sets()).find((set) => set.arn === arn);
  const { cluster: _c, service: _s, clientToken: _t, scalePercent: _p, ...asked } = request;
  expect(green).toMatchObject({ steady: true, running: 2, computedDesired: 2, spec: asked });
  expect(green?.spec).toEqual({ ...blue?.spec, ...asked });

  for (const route of on.target.routes) {
    const from = route.kind === "rule" ? { blue: 100, green: 0 } : { blue: 1, green: 0 };
    const to = { blue: 0, green: from.blue };
    const pair = { blue: on.blue, green: on.green };
    expect(await on.perform({ kind: "setWeights", route, pair, from, to })).toMatchObject({ kind: "done" });
  }
  expect(await on.perform({ kind: "makePrimary", arn })).toMatchObject({ kind: "done" });
  const tags = [{ key: "teal:rolling-back", value: "no" }];
  expect(await on.perform({ kind: "tagTaskSet", arn, tags })).toMatchObject({ kind: "done" });
  expect((await on.sets()).find((set) => set.arn === arn)).toMatchObject({
    status: "PRIMARY",
    spec: { tags: [...(asked.tags ?? []), ...tags] },
  });
  const old = blue?.arn ?? "";
  expect(await on.perform({ kind: "scaleTaskSet", arn: old, scalePercent: 0 })).toMatchObject({
    kind: "done",
  });
  on.box.clock.advance(20_000);
  expect(await on.perform({ kind: "deleteTaskSet", arn: old, force: false })).toMatchObject({ kind: "done" });
  on.box.clock.advance(20_000);
  expect((await on.sets()).map((set) => set.arn)).toEqual([arn]);
  expect(await on.perform({ kind: "deleteTaskSet", arn: old, force: false })).toMatchObject({ kind: "done" });
  expect(await on.perform({ kind: "scaleTaskSet", arn: old, scalePercent: 1 })).toMatchObject({
    fault: { class: "absent" },
  });
});

/** A route as AWS tells it, whatever of it we read. */
function told(on: Scene, ref: RouteRef): string {
  return JSON.stringify(
    ref.kind === "rule"
      ? on.box.aws.elb(region, "DescribeRules", { RuleArns: [ref.arn] }).Rules[0]
      : on.box.aws.elb(region, "DescribeListeners", { ListenerArns: [ref.arn] }).Listeners[0],
  );
}

const weight = (arn: string, value: number) => `"TargetGroupArn":"${arn}","Weight":${value}`;

test.each([
  { index: 0, from: { blue: 1, green: 0 } },
  { index: 1, from: { blue: 100, green: 0 } },
])("after weights were set, nothing else of route $index has changed", async ({ index, from }) => {
  const on = await scene();
  const route = on.target.routes[index];
  if (!route) throw new Error("no route");
  const before = told(on, route);
  const { routes } = await on.look({ routes: true });
  const to = { blue: 83, green: 17 };
  const pair = { blue: on.blue, green: on.green };
  await on.perform({ kind: "setWeights", route, pair, from, to });
  const expected = before
    .replace(weight(on.blue, from.blue), weight(on.blue, to.blue))
    .replace(weight(on.green, from.green), weight(on.green, to.green));
  expect(expected).not.toBe(before);
  expect(JSON.parse(told(on, route))).toEqual(JSON.parse(expected));
  const after = await on.look({ routes: true });
  const [was, is] = [routes[route.arn], after.routes[route.arn]];
  expect(is).toMatchObject({ value: { weights: { [on.blue]: 83, [on.green]: 17 } } });
  expect(is?.ok && is.value.rest).toBe(was?.ok && was.value.rest);
});

test("a set whose answer was lost is not made twice by its token", async () => {
  const on = await scene();
  const request = await greenRequest(on);
  on.box.faults.add({ fault: { kind: "loseAnswer" }, action: "CreateTaskSet", times: 3 });
  expect(await on.perform({ kind: "createTaskSet", request })).toMatchObject({ kind: "unknown" });
  expect(await on.perform({ kind: "createTaskSet", request })).toMatchObject({ kind: "done" });
  expect(await on.sets()).toHaveLength(2);
});

test("a sixth set is asked for again, not given up", async () => {
  const on = await scene();
  const request = await greenRequest(on);
  for (let nth = 2; nth <= 5; nth++) {
    await on.perform({ kind: "createTaskSet", request: { ...request, clientToken: `d1-${nth}` } });
  }
  expect(await on.sets()).toHaveLength(5);
  expect(await on.perform({ kind: "createTaskSet", request })).toMatchObject({
    kind: "refused",
    fault: { class: "repeat", code: "InvalidParameterException" },
  });
});

test("a revision is registered from another one's description and found again by its tag", async () => {
  const on = await scene();
  const { taskDefinition } = await on.look({ taskDefinition: "shop" });
  if (!taskDefinition?.ok) throw new Error("no task definition");
  const tags = [{ key: "teal:deployment", value: "d1" }];
  const { registration } = taskDefinition.value;
  const outcome = await on.perform({ kind: "registerTaskDefinition", registration, tags });
  const { registered } = await on.look({ registered: { family: "shop", deployment: "d1" } });
  expect(registered?.ok && registered.value?.arn).toBe(outcome.kind === "done" && outcome.value.arn);
  const again = await on.look({ taskDefinition: "shop" });
  expect(again.taskDefinition).toMatchObject({ value: { registration, tags } });
  expect((await on.look({ taskDefinition: "shop:99" })).taskDefinition).toMatchObject({
    fault: { class: "absent" },
  });
});

test("what does not exist is absent, or missing", async () => {
  const on = await scene();
  const elsewhere = (change: Partial<ServiceTarget>) =>
    on.cloud.look({ ...on.target, ...change }, everything, on.box.clock.now() + 15_000);
  expect(await elsewhere({ service: "nobody" })).toMatchObject({
    service: { ok: true, value: { status: "MISSING" } },
  });
  expect(await elsewhere({ cluster: "nowhere" })).toMatchObject({
    service: { ok: false, fault: { class: "absent", code: "ClusterNotFoundException" } },
  });
  const ref: RouteRef = { kind: "rule", arn: `${on.rule}0` };
  const group = `${on.blue}0`;
  const seen = await elsewhere({ routes: [ref], targetGroups: [on.blue, group] });
  expect(seen.routes[ref.arn]).toMatchObject({ ok: false, fault: { class: "absent" } });
  expect(seen.survey).toMatchObject({ value: { groups: [{ arn: on.blue }], loadBalancers: {} } });
});

test("over a socket too, with the SDK's own HTTP client", async () => {
  const clock = realClock();
  const local = startAws({ clock });
  onTestFinished(() => local.close());
  const server = await local.listen();
  const cloud = createCloud({
    clock,
    endpoint: server.url,
    credentials: { accessKeyId: "dummy", secretAccessKey: "dummy" },
  });
  onTestFinished(() => cloud.close());
  local.aws.ecs(region, "CreateCluster", { clusterName: "demo" });
  const target: ServiceTarget = {
    name: "shop",
    region,
    cluster: "demo",
    service: "shop",
    targetGroups: [],
    routes: [
      { kind: "rule", arn: "arn:aws:elasticloadbalancing:eu-west-1:000000000000:listener-rule/app/a/b/c/d" },
    ],
  };
  const look: Look = { service: true, routes: true, health: [], tasks: [], survey: false };
  const seen = await cloud.look(target, look, clock.now() + 15_000);
  expect(seen.service).toMatchObject({ ok: true, value: { status: "MISSING" } });
  expect(Object.values(seen.routes)).toMatchObject([{ ok: false, fault: { class: "absent" } }]);
});
