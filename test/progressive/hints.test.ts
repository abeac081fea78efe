/** AWS tells of an alarm, or of a service, by an event: the deployments concerned look at once. */
import { describe, expect, it } from "vitest";
import { accountIdOf } from "../../src/deployment/target.ts";
import { headersFor } from "../api/support/webhooks.ts";
import { given, minute, onBlue } from "./given.ts";

const region = "eu-west-1";

/** A canary at 10 % whose alarm is measured every hour, and so says nothing new for long. */
async function guarded(
  strategy = "steps: [{ weight: 10 }, { pause: 3h }, { weight: 100 }]\nanalysis: [errors]",
  limits = "",
) {
  const checkout = await given(strategy, {
    world: { metrics: true },
    file: `checks:\n  errors: { alarms: [checkout-errors], interval: 1h${limits} }`,
  });
  const { world } = checkout;
  world.aws.cloudwatch(region, "PutMetricAlarm", {
    AlarmName: "checkout-errors",
    Namespace: "rehearsal",
    MetricName: "errors",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: "ignore",
  });
  const fires = (StateValue: "ALARM" | "OK") =>
    world.aws.cloudwatch(region, "SetAlarmState", {
      AlarmName: "checkout-errors",
      StateValue,
      StateReason: "a rehearsal",
    });
  fires("OK");
  const id = await checkout.deploy();
  await checkout.shows(10);
  await world.run(2 * minute);
  const account = accountIdOf(checkout.laid.target);
  let count = 0;
  const tell = async (change: object = {}) => {
    const event = {
      version: "0",
      id: `c4c1c1c9-6542-e61b-6ef0-8c4d36933a9${(count += 1)}`,
      "detail-type": "CloudWatch Alarm State Change",
      source: "aws.cloudwatch",
      account,
      time: new Date(world.clock.now()).toISOString(),
      region,
      resources: [`arn:aws:cloudwatch:${region}:123456789012:alarm:checkout-errors`],
      detail: { alarmName: "checkout-errors", state: { value: "ALARM" }, previousState: { value: "OK" } },
      ...change,
    };
    const text = JSON.stringify(event);
    const answer = await checkout.teal.app.inject({
      method: "POST",
      url: "/v1/webhooks/eventbridge",
      headers: headersFor.eventbridge(),
      payload: text,
    });
    return answer.json().results[0];
  };
  return { ...checkout, id, fires, tell };
}

describe("an alarm that fires", () => {
  it("turns a deployment back as soon as its event comes, and not when the next measurement is due", async () => {
    const { world, id, laid, fires, tell, teal } = await guarded();
    fires("ALARM");
    await world.run(10 * minute);
    expect((await teal.look(id)).phase).toBe("shifting");
    const told = world.clock.now();
    expect(await tell()).toEqual({ outcome: "woke", deployments: [id] });
    await world.reaches(id, "rolling_back");
    await world.turn();
    expect(world.weights(laid)).toEqual(onBlue);
    expect(world.clock.now() - told).toBeLessThan(2_000);
    expect((await teal.look(id)).cause).toMatchObject({
      code: "analysis-failed",
      message: expect.stringContaining("checkout-errors"),
    });
  });

  it("is only a hint: where the alarm itself doesn't fire, nothing follows but a look, which the history tells", async () => {
    const { world, id, tell, teal } = await guarded();
    expect(await tell()).toEqual({ outcome: "woke", deployments: [id] });
    await world.run(10 * minute);
    expect((await teal.look(id)).phase).toBe("shifting");
    const told = (await world.events(id)).filter((event) => event.type === "command");
    expect(told.map(({ message }) => message)).toEqual([
      "eventbridge asked for look: the alarm checkout-errors changed: it is measured at once",
    ]);
  });

  it("ends no analysis sooner, however often it is told of", async () => {
    const { world, id, tell, teal } = await guarded(
      "steps: [{ weight: 10 }, { analyze: { checks: [errors] } }, { weight: 100 }]",
      ", count: 3",
    );
    for (let count = 0; count < 5; count += 1) {
      await tell();
      await world.run(minute);
    }
    expect((await teal.look(id)).gates[0]?.checks?.[0]).toMatchObject({ good: 1 });
    await world.run(62 * minute);
    expect((await teal.look(id)).gates[0]?.checks?.[0]).toMatchObject({ good: 2 });
    await world.run(60 * minute);
    expect((await teal.look(id)).gates[0]?.state).toBe("done");
  });

  it.each([
    ["that no check goes by", { detail: { alarmName: "another" } }],
    ["of another region", { region: "us-east-1" }],
    ["of another account", { account: "999999999999" }],
    ["that somebody else tells of", { source: "acme.alarms" }],
    ["without a name", { detail: {} }],
  ])("one %s wakes nothing", async (_what, change) => {
    const { tell } = await guarded();
    expect((await tell(change)).outcome).toBe("ignored");
  });
});

const ofService = (resource: string) => ({
  "detail-type": "ECS Service Action",
  source: "aws.ecs",
  resources: [resource],
  detail: { eventType: "WARN", eventName: "SERVICE_TASK_START_IMPAIRED" },
});

describe("an event of the service", () => {
  it("has its deployment look at once", async () => {
    const { world, id, laid, tell } = await guarded();
    const { cluster, service } = laid.target;
    world.woken.length = 0;
    const arn = `arn:aws:ecs:${region}:123456789012:service/${cluster}/${service}`;
    expect(await tell(ofService(arn))).toEqual({ outcome: "woke", deployments: [id] });
    expect(await tell(ofService(`arn:aws:ecs:${region}:123456789012:service/${service}`))).toMatchObject({
      outcome: "woke",
    });
    expect(world.woken).toEqual([id, id]);
  });

  it("of another cluster or name wakes nothing", async () => {
    const { tell, laid } = await guarded();
    const { cluster, service } = laid.target;
    for (const name of [`another/${service}`, `${cluster}/another`]) {
      const event = ofService(`arn:aws:ecs:${region}:123456789012:service/${name}`);
      expect((await tell(event)).outcome).toBe("ignored");
    }
  });
});
