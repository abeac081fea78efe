import { describe, expect, test } from "vitest";
import type { Behaviour } from "../../../sandbox/model/behaviour.ts";
import type { Minute } from "../../../sandbox/traffic/recorder.ts";
import { forward, region, sandbox, shop, taskSet } from "../support.ts";

const minuteMs = 60_000;

/** Both versions run; half of the traffic is green's, whose tasks behave as said. */
function scene(behaviour: Behaviour = {}, seed = 1) {
  const box = sandbox({ behaviours: { "shop:2": behaviour } }, seed);
  const parts = shop(box);
  const { blue, green, listener, definition, register } = parts;
  box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
  const greenSet = box.aws.ecs(region, "CreateTaskSet", taskSet(register("shop:2"), green)).taskSet
    .taskSetArn;
  share(1, 1);
  box.clock.advance(2 * minuteMs - (box.clock.now() % minuteMs));
  const from = box.clock.now();
  function share(ofBlue: number, ofGreen: number) {
    box.aws.elb(region, "ModifyListener", {
      ListenerArn: listener,
      DefaultActions: [forward([blue, ofBlue], [green, ofGreen])],
    });
  }
  const minutes = () => box.aws.recorder.minutes(from, Infinity);
  return { ...box, ...parts, greenSet, share, minutes };
}

const group = (minute: Minute | undefined, arn: string) =>
  minute?.groups.find((one) => one.targetGroupArn === arn);

/** Requests of both colours in three minutes. */
const once = (seed: number) => {
  const box = scene({}, seed);
  box.flow(box.listener, { perMinute: 1_001 });
  box.clock.advance(3 * minuteMs);
  return box.minutes().map((minute) => minute.groups.map((one) => one.RequestCount));
};

describe("steady traffic", () => {
  test("arrives in full each minute, shared by the weights in force, the same for the same seed", () => {
    const first = once(1);
    expect(first).toHaveLength(3);
    for (const [at, [blue = 0, green = 0]] of first.entries()) {
      // What doesn't divide by the steps comes a step later.
      expect(Math.abs(blue + green - 1_001)).toBeLessThanOrEqual(1);
      expect(Math.abs(blue - 500), `minute ${at}`).toBeLessThan(90);
    }
    expect(once(1)).toEqual(first);
    expect(once(2)).not.toEqual(first);
  });

  test("follows a change of weights once it is in force, within the minute", () => {
    const box = scene();
    box.share(1, 0);
    box.clock.advance(minuteMs);
    box.flow(box.listener, { perMinute: 600 });
    box.clock.advance(minuteMs / 2);
    box.share(0, 1);
    box.clock.advance(minuteMs / 2);
    const minute = box.minutes().at(-1);
    expect(group(minute, box.blue)?.RequestCount).toBe(300);
    expect(group(minute, box.green)?.RequestCount).toBe(300);
  });

  test("behaviours become counts: failures, answers that never come, slow ones", () => {
    const box = scene({ failShare: 0.03, hangShare: 0.02, slowMs: 50, tailShare: 0.1, tailMs: 5_000 });
    box.flow(box.listener, { perMinute: 20_000 });
    box.clock.advance(minuteMs);
    const [minute] = box.minutes();
    const blue = group(minute, box.blue);
    const green = group(minute, box.green);
    if (blue === undefined || green === undefined) throw new Error("no traffic");
    expect(blue).toMatchObject({
      HTTPCode_Target_5XX_Count: 0,
      HTTPCode_Target_2XX_Count: blue.RequestCount,
    });
    const near = (count: number, share: number) => {
      const spread = 5 * Math.sqrt(green.RequestCount * share * (1 - share));
      expect(Math.abs(count - green.RequestCount * share)).toBeLessThan(spread);
    };
    near(green.HTTPCode_Target_5XX_Count, 0.98 * 0.03);
    const answered = green.HTTPCode_Target_2XX_Count + green.HTTPCode_Target_5XX_Count;
    near(green.RequestCount - answered, 0.02);
    expect(minute?.balancers).toMatchObject([{ HTTPCode_ELB_504_Count: green.RequestCount - answered }]);
    expect(green.responseTimes.count).toBe(answered);
    near(answered - green.responseTimes.countUpTo(3_000), 0.98 * 0.1);
    expect(green.responseTimes.minMs).toBeGreaterThan(50);
    const median = blue.responseTimes.percentileMs(50) ?? 0;
    expect(median).toBeGreaterThan(18);
    expect(median).toBeLessThan(23);
  });

  test("a task's own behaviour counts for its share of the group", () => {
    const box = scene();
    const [one] = box.aws.traffic.tasks().filter((task) => task.taskSetArn === box.greenSet);
    box.aws.traffic.setTaskBehaviour(one?.arn ?? "", { failShare: 1 });
    box.flow(box.listener, { perMinute: 8_000 });
    box.clock.advance(minuteMs);
    const green = group(box.minutes()[0], box.green);
    // One of four tasks.
    const share = (green?.HTTPCode_Target_5XX_Count ?? 0) / (green?.RequestCount ?? 1);
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
  });

  test("meets what requests would meet: a dead task, an empty group, no weight, a fixed answer", () => {
    const box = scene();
    box.aws.settings.exitNoticeMs = 10 * minuteMs;
    box.aws.settings.behaviours["shop:2"] = { neverStarts: true };
    for (const task of box.aws.traffic.tasks())
      if (task.taskSetArn === box.greenSet) box.aws.traffic.taskExited(task.arn, 1);
    box.share(0, 1);
    box.clock.advance(1_000);
    box.flow(box.listener, { perMinute: 60 });
    box.clock.advance(minuteMs - (box.clock.now() % minuteMs));
    const [dead] = box.minutes();
    expect(group(dead, box.green)).toMatchObject({ RequestCount: 60, TargetConnectionErrorCount: 60 });
    expect(dead?.balancers).toMatchObject([{ HTTPCode_ELB_502_Count: 60, HTTPCode_ELB_5XX_Count: 60 }]);

    const empty = box.aws.elb(region, "CreateTargetGroup", { Name: "empty", Port: 80, TargetType: "ip" });
    const arn = empty.TargetGroups[0]?.TargetGroupArn ?? "";
    const answer = (actions: Parameters<typeof box.aws.elb<"ModifyListener">>[2]["DefaultActions"]) => {
      box.aws.elb(region, "ModifyListener", { ListenerArn: box.listener, DefaultActions: actions });
      box.clock.advance(minuteMs);
      return box.minutes().at(-1)?.balancers[0];
    };
    expect(answer([forward([arn, 1])])).toMatchObject({ HTTPCode_ELB_503_Count: 60 });
    expect(answer([forward([arn, 0])])).toMatchObject({ HTTPCode_ELB_503_Count: 60 });
    expect(answer([{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "200" } }])).toMatchObject({
      HTTP_Fixed_Response_Count: 60,
    });
  });

  test("a path meets its rule, and each path has its flow", () => {
    const box = scene();
    box.aws.elb(region, "CreateRule", {
      ListenerArn: box.listener,
      Priority: 1,
      Conditions: [{ Field: "path-pattern", Values: ["/api/*"] }],
      Actions: [forward([box.green, 1])],
    });
    box.share(1, 0);
    box.clock.advance(minuteMs);
    box.flow(box.listener, { perMinute: 600 });
    box.flow(box.listener, { perMinute: 60, path: "/api/x" });
    box.clock.advance(minuteMs);
    const minute = box.minutes().at(-1);
    expect(group(minute, box.blue)?.RequestCount).toBe(600);
    expect(group(minute, box.green)?.RequestCount).toBe(60);
    box.flow(box.listener, { perMinute: 0 });
    box.clock.advance(minuteMs);
    expect(box.minutes().at(-1)?.groups).toMatchObject([{ targetGroupArn: box.green, RequestCount: 60 }]);
  });

  test("ended, it leaves no timer behind", async () => {
    const box = sandbox();
    const { listener } = shop(box);
    box.flow(listener, { perMinute: 60 });
    await box.close();
    expect(box.clock.nextAt()).toBeUndefined();
  });
});
