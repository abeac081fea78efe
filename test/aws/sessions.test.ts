/** Roles assumed in other accounts: when STS is asked, what becomes of refusals, which client acts where. */
import { expect, test } from "vitest";
import { createClients } from "../../src/aws/clients.ts";
import { createCloud } from "../../src/aws/cloud.ts";
import { buildWorld } from "../../sandbox/world/build.ts";
import { worldSchema } from "../../sandbox/world/schema.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import { CallFailed } from "../../src/aws/faults.ts";
import { createSession } from "../../src/aws/sessions.ts";
import { region, sandbox } from "../sandbox/support.ts";
import { placeOf } from "../support/quick-world.ts";
import { openGuard, sampleClock } from "./stub.ts";

const account = { roleArn: "arn:aws:iam::222222222222:role/teal", externalId: "shop-42" };
const hour = 3_600_000;

/** STS as a function: how it answers, and the inputs that it was asked with. */
function scene(answer: () => object | Error = () => ({})) {
  const clock = sampleClock();
  const asked: object[] = [];
  const send = async ({ input }: { input: object }) => {
    asked.push(input);
    const said = answer();
    if (said instanceof Error) throw said;
    const n = asked.length;
    return {
      Credentials: {
        AccessKeyId: `key-${n}`,
        SecretAccessKey: "secret",
        SessionToken: "token",
        Expiration: new Date(clock.now() + hour),
        ...said,
      },
    };
  };
  const session = createSession({ send } as never, account, clock);
  const key = async () => (await session.credentials()).accessKeyId;
  return { clock, asked, session, key };
}

test("STS is asked once, however many ask for credentials, and says who acts and with which external id", async () => {
  const { asked, key } = scene();
  expect(await Promise.all([key(), key(), key()])).toEqual(["key-1", "key-1", "key-1"]);
  expect(await key()).toBe("key-1");
  expect(asked).toEqual([
    { RoleArn: account.roleArn, RoleSessionName: "teal", ExternalId: account.externalId },
  ]);
});

test("new credentials are had five minutes before the old ones end", async () => {
  const { clock, key } = scene();
  await key();
  clock.advance(hour - 5 * 60_000 - 1);
  expect(await key()).toBe("key-1");
  clock.advance(1);
  expect(await key()).toBe("key-2");
});

test("where STS has none to give, the old ones serve until they end", async () => {
  let down = false;
  const { clock, key } = scene(() => (down ? fault("ServiceUnavailable", 503) : {}));
  await key();
  down = true;
  clock.advance(hour - 1);
  expect(await key()).toBe("key-1");
  clock.advance(1);
  await expect(key()).rejects.toMatchObject({ fault: { class: "repeat", action: "sts:AssumeRole" } });
  down = false;
  expect(await key()).toMatch(/^key-/);
});

test("what was let go is asked for anew, but only by the first who noticed", async () => {
  const { session, key } = scene();
  await key();
  const old = session.held();
  session.forget(old);
  expect(await key()).toBe("key-2");
  session.forget(old);
  expect(await key()).toBe("key-2");
});

test.each([
  ["AccessDenied", 403],
  ["RegionDisabledException", 403],
  ["ValidationError", 400],
])("%s is for a person, who is told of the role and never of its external id", async (name, status) => {
  const { key } = scene(() => fault(name, status));
  const error = await key().catch((thrown: unknown) => thrown);
  if (!(error instanceof CallFailed)) throw new Error("should have failed");
  expect(error.fault).toMatchObject({ class: "stuck", code: name, action: "sts:AssumeRole" });
  expect(error.fault.message).toContain(
    "The role arn:aws:iam::222222222222:role/teal must trust Teal's own identity with the externalId of teal.yaml",
  );
  expect(error.message).not.toContain(account.externalId);
});

test("each region of each account has clients of its own, of which those of late are kept", () => {
  const clients = createClients({ clock: sampleClock() });
  const home = { region: "eu-west-1" };
  const mine = clients.ecsReader(home);
  expect(clients.ecsReader({ region: "eu-west-1" })).toBe(mine);
  expect(clients.ecsWriter(home)).not.toBe(mine);
  const others = [
    clients.ecsReader({ region: "eu-west-2" }),
    clients.ecsReader({ ...home, account }),
    clients.ecsReader({ ...home, account: { ...account, externalId: "shop-43" } }),
  ];
  expect(new Set([mine, ...others]).size).toBe(4);
  for (let n = 0; n < 99; n++) clients.ecsReader({ region: `xx-west-${n}` });
  expect(clients.ecsReader({ ...home, account })).not.toBe(others[1]);
  clients.close();
});

test("a place in use is not the one that goes", () => {
  const clients = createClients({ clock: sampleClock() });
  const mine = clients.ecsReader({ region: "eu-west-1" });
  for (let n = 0; n < 300; n++) {
    clients.ecsReader({ region: `xx-west-${n}` });
    expect(clients.ecsReader({ region: "eu-west-1" })).toBe(mine);
  }
  clients.close();
});

test("an effect is sent again with new credentials where the old ones were revoked, past its guard again", async () => {
  const box = sandbox();
  box.aws.sts.putRole({ account: "222222222222", name: "teal", maxSessionSeconds: 3_600 });
  const cloud = createCloud({
    ...box.config,
    clock: box.clock,
    gatherMs: 0,
    after: (ms, fn) => box.clock.after(ms, fn),
  });
  const target: ServiceTarget = {
    name: "shop",
    region,
    account,
    cluster: "demo",
    service: "shop",
    targetGroups: [],
    routes: [],
  };
  const registration = { family: "shop", containerDefinitions: [{ name: "web", image: "shop:1" }] };
  const register = () =>
    cloud.perform(
      target,
      { kind: "registerTaskDefinition", registration, tags: [] },
      { ...openGuard(box.clock), allowed: async () => (asked += 1) > 0 },
    );
  let asked = 0;
  expect(await register()).toMatchObject({ kind: "done" });
  box.aws.sts.revoke(account.roleArn);
  expect(await register()).toMatchObject({
    kind: "done",
    value: { arn: "arn:aws:ecs:eu-west-1:222222222222:task-definition/shop:2" },
  });
  expect(asked).toBe(3);
  expect(box.calls.recent().map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    "AssumeRole ok",
    "RegisterTaskDefinition ok",
    "RegisterTaskDefinition ExpiredTokenException",
    "AssumeRole ok",
    "RegisterTaskDefinition ok",
  ]);
});

test("looks that come together share a call within a region of an account, and never beyond", async () => {
  const box = sandbox();
  const world = worldSchema.parse({
    ...placeOf(["shop"], 1),
    elsewhere: [
      { account: "222222222222", roles: [{ name: "teal" }], ...placeOf(["shop"], 2) },
      { region: "us-east-1", ...placeOf(["shop"], 3) },
    ],
  });
  buildWorld(box.aws, world);
  const cloud = createCloud({ ...box.config, clock: box.clock, gatherMs: 0 });
  const shop = {
    name: "shop",
    cluster: "prod",
    service: "shop",
    targetGroups: [],
    routes: [],
  } satisfies Partial<ServiceTarget>;
  const targets: ServiceTarget[] = [
    { ...shop, region },
    { ...shop, region, account },
    { ...shop, region: "us-east-1" },
    { ...shop, region },
  ];
  const asked = { service: true, routes: false, health: [], tasks: [], survey: false };
  const seen = await Promise.all(targets.map((target) => cloud.look(target, asked, Date.now() + 15_000)));
  expect(seen.map(({ service }) => service?.ok && service.value.desiredCount)).toEqual([1, 2, 3, 1]);
  expect(box.calls.byAction()["ecs:DescribeServices"]).toBe(3);
});

function fault(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(`${name} in AWS's words`), { name, $metadata: { httpStatusCode } });
}
