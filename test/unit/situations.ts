/**
 * Every situation of every phase: how to get into it, and what the decision then is. The type makes a phase
 * without a table an error; the test makes a situation without a row one.
 */
import type { Doubt } from "../../src/deployment/doubt.ts";
import type { Check } from "../../src/deployment/check.ts";
import type { HookAnswer } from "../../src/deployment/hook.ts";
import type { HookStep, Step } from "../../src/deployment/strategy.ts";
import type { Phase } from "../../src/deployment/phases.ts";
import {
  anyFault,
  failed,
  faulty,
  greenArn,
  groupB,
  heal,
  id,
  now,
  read,
  revision,
  rule,
  type Scene,
  serviceOf,
  setOf,
  taskSet,
  tasksOf,
  weigh,
  without,
} from "../support/fixtures.ts";

/** The change that leads into the situation, and the decision in short: see `summary` in the test. */
type Row = [change: (scene: Scene) => void, decision: string];
type Table = Record<string, Row>;

const asIs = () => {};
const pause = ({ d }: Scene) => {
  d.hold = { kind: "paused", since: now - 500, reason: "ada paused it" };
};
const long = ({ d }: Scene) => {
  d.phaseSince = 0;
  d.stepSince = 0;
};
const cannotRead = ({ seen }: Scene) => {
  seen.service = faulty();
};
const refuse = ({ d }: Scene) => {
  d.trouble["makePrimary x"] = {
    ...anyFault({ class: "refuse", code: "InvalidParameterException" }),
    count: 1,
    since: now,
    nextAt: now,
  };
};
const drift = (scene: Scene) => weigh(scene, 70, 30, { asked: false });
const tagBack = (scene: Scene) =>
  void setOf(scene, "green").spec.tags?.push({ key: "teal:rolling-back", value: "true" });
const promoteOther = (scene: Scene) => {
  setOf(scene, "blue").status = "ACTIVE";
  serviceOf(scene).taskSets.push(
    taskSet("green", { arn: "other", id: "ecs-svc/9", status: "PRIMARY", spec: {} }),
  );
};
const deleteGreen = (scene: Scene) => without(scene, "green");
const deleteBlue = (scene: Scene) => without(scene, "blue");
const promoteGreen = (scene: Scene) => {
  setOf(scene, "blue").status = "ACTIVE";
  setOf(scene, "green").status = "PRIMARY";
};
const sicken = (scene: Scene) => {
  heal(scene, "green", 0, 4);
  weigh(scene, 50, 50);
};
const failing = ({ seen }: Scene) => {
  seen.tasks = read([...tasksOf("green", 4), ...failed(3)]);
};
const lag = (scene: Scene) => {
  for (const route of scene.d.routes) {
    route.earlier = [{ blue: 50, green: 50 }];
    route.askedAt = now - 2_000;
  }
  weigh(scene, 50, 50, { asked: false });
};
const fallBehind = (scene: Scene) => {
  for (const route of scene.d.routes) {
    route.earlier = [{ blue: 50, green: 50 }];
    // Nobody heard whether the last write happened.
    route.askedAt = 0;
  }
  weigh(scene, 50, 50, { asked: false });
};
/** A call that nobody heard of landed after all, and gives green half. */
const comeLate = (scene: Scene) => {
  weigh(scene, 50, 50, { asked: false });
  const half = { [scene.d.pair?.blue ?? ""]: 50, [groupB]: 50 };
  const asked = Object.fromEntries(scene.d.routes.map(({ ref }) => [ref.arn, [half]]));
  scene.d.doubt = { weightsUntil: now - 5_000, asked };
};
/** A call that nobody heard of took from green, at a step that waits. */
const lateAtGate = (scene: Scene) => {
  const asked: Doubt["asked"] = {};
  for (const route of scene.d.routes) {
    route.asked = { blue: 50, green: 50 };
    const before = { [scene.d.pair?.blue ?? ""]: 1, [groupB]: 0 };
    asked[route.ref.arn] = [before];
    scene.seen.routes[route.ref.arn] = read({ ref: route.ref, weights: before, rest: "r" });
  }
  scene.d.doubt = { weightsUntil: now - 5_000, asked };
};
/** A call that scales landed, which nobody had heard of. */
const scaledLate = (colour: "blue" | "green") => (scene: Scene) => {
  scene.d.scalesUnsureUntil = now - 5_000;
  setOf(scene, colour).scalePercent = 5;
};
/** Half of the traffic goes to the idle group, by a call of the deployment before. */
const idleHasWeight = (scene: Scene) => {
  const asked: Doubt["asked"] = {};
  for (const reading of Object.values(scene.seen.routes)) {
    if (!reading.ok) continue;
    reading.value.weights[groupB] = 1;
    asked[reading.value.ref.arn] = [{ ...reading.value.weights }];
  }
  scene.d.doubt = { weightsUntil: now - 5_000, asked };
};
const askBack = ({ d }: Scene) => {
  d.rollbackAsked = { id: "c1", kind: "rollback", actor: { kind: "operator", name: "ada" }, at: now };
};
const greenExists = (more: (scene: Scene) => void) => (scene: Scene) => {
  scene.d.green = { ...scene.d.green, arn: greenArn, id: "ecs-svc/2", createdAt: now - 5_000 };
  serviceOf(scene).taskSets.push(taskSet("green", { scalePercent: 25, computedDesired: 1, running: 1 }));
  scene.seen.tasks = read(tasksOf("green", 1));
  heal(scene, "green", 1);
  more(scene);
};
const withImages = (more: (scene: Scene) => void) => (scene: Scene) => {
  scene.d.request = { images: { app: "demo/checkout:2" } };
  delete scene.d.green.taskDefinition;
  more(scene);
};
const step = (index: number, more: (scene: Scene) => void) => (scene: Scene) => {
  scene.d.step = index;
  more(scene);
};
/** Blue reads as before on every route, and was asked to. */
const flippedBack = (more: (scene: Scene) => void) => (scene: Scene) => {
  weigh(scene, 1, 0);
  scene.d.carriedAt.green = now - 120_000;
  const green = serviceOf(scene).taskSets.find((set) => set.arn === greenArn);
  green?.spec.tags?.push({ key: "teal:rolling-back", value: "true" });
  more(scene);
};

const settled: Table = {
  unreadable: [cannotRead, "wait"],
  "late-weights": [
    (scene) => {
      scene.d.weightsUnsureUntil = now - 5_000;
      const [route] = scene.d.routes;
      if (route)
        scene.seen.routes[route.ref.arn] = read({ ref: route.ref, weights: lateWeights(scene), rest: "r" });
    },
    "perform setWeights",
  ],
  "late-green-held": [asIs, ""],
  "late-green": [asIs, ""],
  "scaled-late": [scaledLate("green"), "perform scaleTaskSet"],
  unsettled: [({ d }) => void (d.unsureUntil = now + 5_000), "wait"],
  settled: [asIs, "slot done"],
  "last-look-due-later": [
    ({ d }) => {
      d.settled = true;
      d.lastLookAt = now + 60_000;
    },
    "wait",
  ],
  over: [({ d }) => void (d.settled = true), "rest"],
};

function lateWeights(scene: Scene) {
  const earlier = scene.d.routes[0]?.earlier[0] ?? { blue: 50, green: 50 };
  return { [scene.d.pair?.blue ?? ""]: earlier.blue, [groupB]: earlier.green };
}

/** Where nothing was touched there is nothing to look for. */
const untouched: Table = {
  unsettled: settled["unsettled"] as Row,
  settled: settled["settled"] as Row,
  "last-look-due-later": settled["last-look-due-later"] as Row,
  over: settled["over"] as Row,
};

/** The step that it stands at, on the list of its phase; the way to 100 % comes after it. */
const at =
  (now_: Step, more: (scene: Scene) => void = asIs) =>
  (scene: Scene) => {
    const { d } = scene;
    const rest: Step[] = [
      { kind: "weight", percent: 10 },
      { kind: "weight", percent: 100 },
    ];
    const before: HookStep[] = now_.kind === "hook" ? [now_] : [];
    d.strategy = { ...d.strategy, before, testing: [now_], steps: [now_, ...rest], checks: { errors } };
    d.step = 0;
    more(scene);
  };
const errors: Check = {
  name: "errors",
  source: { kind: "alarms", names: ["checkout-5xx"] },
  intervalMs: 60_000,
  failureLimit: 0,
  inconclusiveLimit: 0,
  dryRun: false,
};
const approval: Step = {
  kind: "wait",
  id: "release",
  until: { kind: "approval", notStarter: false },
  timeoutMs: 3_600_000,
  onTimeout: "rollback",
};
const moment = (at: number): Step => ({ ...approval, until: { kind: "moment", at } });
const analysis: Step = {
  kind: "analyze",
  id: "analyze",
  checks: ["errors"],
  ms: 60_000,
  onInconclusive: "pause",
};
const smoke: HookStep = {
  kind: "hook",
  id: "smoke",
  hook: { url: "https://h", headers: {}, timeoutMs: 60_000, attemptsMax: 3, onFailure: "rollback" },
};
const said =
  (status: HookAnswer["status"]) =>
  ({ d }: Scene) => {
    const hook = { attempt: 1, failures: 0, nextAt: now + 5_000, answer: { status, at: now } };
    d.gates = { smoke: { hook } };
  };
const checked =
  (gate: string, outcome: "good" | "bad" | "unclear") =>
  ({ d }: Scene) => {
    const counts = { good: 0, bad: 0, unclear: 0, [outcome]: 1 };
    const last = { at: now, outcome, what: "the numbers" };
    d.gates = { [gate]: { checks: { errors: { since: now, nextAt: now + 60_000, ...counts, last } } } };
  };
/** A check in the background has failed. */
const failBehind = (scene: Scene) => {
  scene.d.strategy = { ...scene.d.strategy, checks: { errors }, analysis: ["errors"] };
  for (const route of scene.d.routes) if (route.asked.green === 0) route.asked = { blue: 90, green: 10 };
  checked("analysis", "bad")(scene);
};
const meet = ({ d }: Scene) => {
  const actor = { kind: "operator", name: "ada" } as const;
  d.appointment = { at: now - 1_000, full: true, ifHealthy: false, commandId: "c", actor };
};
const reapplied = (scene: Scene) => {
  scene.d.strategy = { ...scene.d.strategy, onDrift: "reapply" };
  drift(scene);
};
const close = ({ seen }: Scene) => {
  seen.closed = [{ kind: "freeze", id: "f", reason: "year end", until: now + 3_600_000 }];
};
const scaleIn = (desired: number) => (scene: Scene) => {
  serviceOf(scene).desiredCount = desired;
  scene.d.desiredAlone = 4;
  scene.d.step = 4;
};

const hooks: Table = {
  "gate-passed": [
    at(smoke, ({ d }) => {
      const by = { kind: "operator", name: "ada" } as const;
      d.gates = { smoke: { passed: { by, at: now, how: "skipped" } } };
    }),
    "note",
  ],
  "gate-timed-out": [at(smoke, ({ d }) => void (d.stepSince = now - 61_000)), "enter rolling_back"],
  "hook-passed": [at(smoke, said("SUCCEEDED")), "note"],
  "hook-failed": [at(smoke, said("FAILED")), "enter rolling_back"],
  "hook-unreached": [
    at(smoke, ({ d }) => {
      const trouble = { message: "it could not be asked", lasting: true };
      d.gates = { smoke: { hook: { attempt: 1, failures: 1, nextAt: now + 5_000, trouble } } };
    }),
    "enter rolling_back",
  ],
  "hook-due": [at(smoke), "perform callHook"],
  "hook-under-way": [at(smoke, said("IN_PROGRESS")), "wait"],
};

const gates: Table = {
  ...hooks,
  pausing: [at({ kind: "pause", ms: 600_000 }), "wait"],
  "route-late-at-gate": [at({ kind: "pause", ms: 600_000 }, lateAtGate), "perform setWeights"],
  "pause-over": [at({ kind: "pause", ms: 1 }), "note"],
  "waiting-at-gate": [at(approval), "wait"],
  "wait-over": [at(moment(now - 1)), "note"],
  "analysis-unclear": [at(analysis, checked("analyze", "unclear")), "hold paused"],
  analyzing: [at(analysis), "wait"],
  "analysis-passed": [
    at(analysis, (scene) => {
      checked("analyze", "good")(scene);
      scene.d.stepSince = now - 61_000;
    }),
    "note",
  ],
};

export const situations: Record<Phase, Table> = {
  queued: {
    "older-ones-wait": [
      ({ d, seen }) => {
        d.supersedes = true;
        d.told = ["supersede other"];
        seen.slot = { acting: "other", queue: ["older", id] };
      },
      "tell supersede older",
    ],
    closed: [close, "hold freeze"],
    "slot-is-ours-to-take-up": [({ d }) => void (d.takeUp = "shifting"), "enter shifting"],
    "slot-is-ours": [asIs, "enter preparing"],
    "waiting-for-its-turn": [({ seen }) => void (seen.slot = { acting: "other", queue: [id] }), "wait"],
  },
  preparing: {
    deadline: [long, "enter failed"],
    prepared: [({ d }) => void (d.desiredAtStart = 4), "enter provisioning"],
    unreadable: [cannotRead, "wait"],
    paused: [pause, "hold paused"],
    "route-late": [idleHasWeight, "wait"],
    "scaled-late": [
      (scene) => {
        scene.d.doubt = { asked: {}, scalesUntil: now - 5_000 };
        setOf(scene, "blue").scalePercent = 25;
      },
      "wait",
    ],
    "base-unknown": [({ d }) => void (d.green = {}), "note"],
    wrong: [(scene) => void (serviceOf(scene).desiredCount = 0), "enter failed"],
    right: [asIs, "note"],
    looking: [({ seen }) => void Reflect.deleteProperty(seen, "service"), "wait"],
  },
  provisioning: {
    "green-says-rolling-back": [greenExists(tagBack), "enter rolling_back"],
    "primary-elsewhere": [promoteOther, "hold stuck"],
    "promoted-unknown": [greenExists(promoteGreen), "hold drift"],
    deadline: [long, "enter rolling_back"],
    "no-room-for-too-long": [
      ({ d }) => {
        d.hold = { kind: "waiting", since: 0, reason: "no room" };
        d.crowd = { tasks: 0, since: 0 };
      },
      "enter rolling_back",
    ],
    "green-failing": [greenExists(failing), "enter rolling_back"],
    "green-gone": [
      ({ d }) => {
        d.green = { ...d.green, arn: greenArn, createdAt: now - 60_000 };
      },
      "enter rolling_back",
    ],
    refused: [refuse, "enter rolling_back"],
    unreadable: [cannotRead, "wait"],
    paused: [pause, "hold paused"],
    drifted: [drift, "hold drift"],
    "scaled-late": [scaledLate("blue"), "perform scaleTaskSet"],
    "route-late": [comeLate, "perform setWeights"],
    "blue-gone": [deleteBlue, "hold stuck"],
    "predecessor-retains": [({ seen }) => void (seen.slot.retaining = "checkout-0"), "tell yield checkout-0"],
    "idle-group-occupied": [
      ({ seen }) =>
        void (seen.health[groupB] = read([{ address: "10.0.9.9:8080", state: "draining" as const }])),
      "hold waiting",
    ],
    "too-many-task-sets": [
      (scene) => {
        for (let n = 3; n < 7; n++)
          serviceOf(scene).taskSets.push({ ...taskSet("green"), arn: `x${n}`, spec: {} });
      },
      "hold waiting",
    ],
    ...hooks,
    "revision-in-doubt": [withImages(({ d }) => void (d.unsureUntil = now + 5_000)), "wait"],
    "revision-registered": [
      withImages(({ seen }) => void (seen.registered = read({ arn: revision(3) }))),
      "note",
    ],
    "revision-missing": [
      withImages(({ seen }) => void (seen.registered = read(null))),
      "perform registerTaskDefinition",
    ],
    "green-missing": [asIs, "perform createTaskSet"],
    "green-not-shown": [
      ({ d }) => {
        d.green = { ...d.green, arn: greenArn, createdAt: now - 1_000 };
      },
      "wait",
    ],
    "tasks-unread": [greenExists((scene) => void delete scene.seen.tasks), "note"],
    "green-small": [
      greenExists((scene) => void (setOf(scene, "green").scalePercent = 10)),
      "perform scaleTaskSet",
    ],
    "green-ready": [greenExists(asIs), "enter shifting"],
    "green-starting": [greenExists((scene) => heal(scene, "green", 0, 1)), "wait"],
  },
  testing: {
    "green-says-rolling-back": [tagBack, "enter rolling_back"],
    "primary-elsewhere": [promoteOther, "hold stuck"],
    "promoted-unknown": [promoteGreen, "hold drift"],
    "green-gone": [deleteGreen, "enter rolling_back"],
    "green-unhealthy": [sicken, "enter rolling_back"],
    "green-failing": [failing, "enter rolling_back"],
    "analysis-failed": [at(analysis, checked("analyze", "bad")), "enter rolling_back"],
    refused: [refuse, "enter rolling_back"],
    deadline: [long, "enter rolling_back"],
    unreadable: [cannotRead, "wait"],
    "drift-reapplied": [reapplied, "perform setWeights"],
    drifted: [drift, "hold drift"],
    "blue-gone": [deleteBlue, "hold stuck"],
    "scaled-late": [scaledLate("blue"), "perform scaleTaskSet"],
    "route-late": [comeLate, "perform setWeights"],
    "route-lagging": [lag, "wait"],
    "appointment-due": [meet, "note"],
    paused: [pause, "hold paused"],
    "steps-done": [step(1, asIs), "enter shifting"],
    ...gates,
    "green-not-ready": [(scene) => heal(scene, "green", 0, 4), "wait"],
    "routes-to-write": [asIs, "perform setWeights"],
    "step-done": [
      ({ d, seen }) => {
        const test = d.routes.find((route) => route.test);
        if (!test) throw new Error("no test route in this scene");
        test.asked = { blue: 0, green: 1 };
        const weights = { [d.pair?.blue ?? ""]: 0, [groupB]: 1 };
        seen.routes[test.ref.arn] = read({ ref: test.ref, weights, rest: "r" });
      },
      "note",
    ],
  },
  shifting: {
    "analysis-failed": [failBehind, "enter rolling_back"],
    "drift-reapplied": [reapplied, "perform setWeights"],
    "appointment-due": [meet, "note"],
    ...gates,
    "short-for-too-long": [
      (scene) => {
        scaleIn(3)(scene);
        scene.d.hold = { kind: "waiting", since: 0, reason: "too small" };
      },
      "hold paused",
    ],
    "scaled-in": [scaleIn(3), "hold waiting"],
    closed: [close, "hold freeze"],
    "green-says-rolling-back": [tagBack, "enter rolling_back"],
    "primary-elsewhere": [promoteOther, "hold stuck"],
    "promoted-unknown": [promoteGreen, "hold drift"],
    "green-gone": [deleteGreen, "enter rolling_back"],
    "green-unhealthy": [sicken, "enter rolling_back"],
    "green-failing": [failing, "enter rolling_back"],
    refused: [refuse, "enter rolling_back"],
    deadline: [long, "enter rolling_back"],
    unreadable: [cannotRead, "wait"],
    drifted: [drift, "hold drift"],
    "blue-gone": [deleteBlue, "hold stuck"],
    "scaled-late": [scaledLate("blue"), "perform scaleTaskSet"],
    "route-late": [comeLate, "perform setWeights"],
    "route-lagging": [lag, "wait"],
    paused: [pause, "hold paused"],
    "steps-done": [step(5, asIs), "enter baking"],
    "green-small": [(scene) => void (setOf(scene, "green").scalePercent = 10), "perform scaleTaskSet"],
    "green-not-ready": [(scene) => heal(scene, "green", 0, 4), "wait"],
    "routes-to-write": [asIs, "perform setWeights"],
    "step-done": [(scene) => weigh(scene, 90, 10), "note"],
  },
  baking: {
    "analysis-failed": [failBehind, "enter rolling_back"],
    "drift-reapplied": [reapplied, "perform setWeights"],
    "appointment-due": [meet, "note"],
    "green-says-rolling-back": [tagBack, "enter rolling_back"],
    "primary-elsewhere": [promoteOther, "hold stuck"],
    "green-gone": [deleteGreen, "enter rolling_back"],
    "green-unhealthy": [sicken, "enter rolling_back"],
    "green-failing": [failing, "enter rolling_back"],
    refused: [refuse, "enter rolling_back"],
    unreadable: [cannotRead, "wait"],
    drifted: [drift, "hold drift"],
    "blue-gone": [deleteBlue, "hold stuck"],
    "scaled-late": [scaledLate("green"), "perform scaleTaskSet"],
    "route-behind": [fallBehind, "perform setWeights"],
    "route-lagging": [lag, "wait"],
    paused: [pause, "hold paused"],
    baking: [asIs, "wait"],
    baked: [long, "enter promoting"],
  },
  promoting: {
    "green-says-rolling-back": [tagBack, "enter rolling_back"],
    "primary-elsewhere": [promoteOther, "hold stuck"],
    "green-gone": [deleteGreen, "enter rolling_back"],
    "green-unhealthy": [sicken, "enter rolling_back"],
    refused: [refuse, "enter rolling_back"],
    deadline: [long, "enter rolling_back"],
    unreadable: [cannotRead, "wait"],
    drifted: [drift, "hold drift"],
    "scaled-late": [scaledLate("green"), "perform scaleTaskSet"],
    "route-behind": [fallBehind, "perform setWeights"],
    "route-lagging": [lag, "wait"],
    paused: [pause, "hold paused"],
    "test-route-to-rest": [
      ({ d }) => {
        const test = d.routes.find((route) => route.test);
        if (!test) throw new Error("no test route in this scene");
        // It led to what did not serve, and shall again.
        test.before = { blue: 0, green: 1 };
      },
      "perform setWeights",
    ],
    "green-is-primary": [
      (scene) => {
        setOf(scene, "blue").status = "ACTIVE";
        setOf(scene, "green").status = "PRIMARY";
      },
      "enter retaining",
    ],
    "blue-gone": [deleteBlue, "hold stuck"],
    "green-not-primary": [asIs, "perform makePrimary"],
  },
  retaining: {
    "green-no-longer-well": [
      (scene) => {
        scene.d.unhealthySince = now - 600_000;
        heal(scene, "green", 0, 4);
      },
      "note",
    ],
    "record-older": [tagBack, "note"],
    "rollback-free": [
      (scene) => {
        askBack(scene);
        scene.seen.slot = { acting: id, queue: [] };
      },
      "enter rolling_back",
    ],
    "rollback-unslotted": [askBack, "slot retake"],
    "rollback-blocked": [
      (scene) => {
        askBack(scene);
        scene.seen.slot = { acting: "checkout-9", retaining: id, queue: [id] };
      },
      "tell rollback checkout-9",
    ],
    unreadable: [cannotRead, "wait"],
    "scaled-late": [scaledLate("green"), "perform scaleTaskSet"],
    "route-late": [comeLate, "perform setWeights"],
    paused: [pause, "hold paused"],
    retaining: [asIs, "wait"],
    retained: [long, "enter draining"],
  },
  draining: {
    "record-older": [tagBack, "note"],
    "nothing-to-drain": [({ d }) => void Reflect.deleteProperty(d, "blue"), "enter succeeded"],
    "rollback-free": [
      (scene) => {
        askBack(scene);
        scene.seen.slot = { acting: id, queue: [] };
      },
      "enter rolling_back",
    ],
    "rollback-unslotted": [askBack, "slot retake"],
    "rollback-blocked": [
      (scene) => {
        askBack(scene);
        scene.seen.slot = { acting: "checkout-9", retaining: id, queue: [id] };
      },
      "tell rollback checkout-9",
    ],
    unreadable: [cannotRead, "wait"],
    paused: [pause, "hold paused"],
    "blue-deleted": [deleteBlue, "enter succeeded"],
    "blue-drains-for-long": [
      (scene) => {
        long(scene);
        setOf(scene, "blue").status = "DRAINING";
      },
      "enter succeeded",
    ],
    "blue-draining": [(scene) => void (setOf(scene, "blue").status = "DRAINING"), "wait"],
    "scaled-late": [scaledLate("green"), "perform scaleTaskSet"],
    "route-late": [comeLate, "perform setWeights"],
    "route-behind": [fallBehind, "perform setWeights"],
    "green-not-primary": [(scene) => void (setOf(scene, "green").status = "ACTIVE"), "hold stuck"],
    "route-lagging": [lag, "wait"],
    "blue-carries": [drift, "hold drift"],
    "hold-time": [({ d }) => void (d.carriedAt.blue = now - 1_000), "wait"],
    "blue-paced": [
      ({ d }) => {
        d.strategy = { ...d.strategy, drain: { by: { tasks: 1 }, everyMs: 30_000 } };
        d.drainedAt = now - 1_000;
      },
      "wait",
    ],
    "blue-up": [asIs, "perform scaleTaskSet"],
    "blue-stopping": [(scene) => void (setOf(scene, "blue").scalePercent = 0), "wait"],
    "blue-empty": [
      (scene) => {
        setOf(scene, "blue").scalePercent = 0;
        setOf(scene, "blue").running = 0;
      },
      "perform deleteTaskSet",
    ],
  },
  rolling_back: {
    "route-away": [asIs, "perform setWeights"],
    "route-gone": [
      (scene) => {
        weigh(scene, 1, 0);
        scene.seen.routes[rule] = faulty({ class: "absent", code: "RuleNotFound" });
      },
      "note",
    ],
    "blue-short": [
      (scene) => {
        setOf(scene, "blue").scalePercent = 0;
        heal(scene, "blue", 0);
      },
      "perform scaleTaskSet",
    ],
    "blue-gone": [
      (scene) => {
        deleteBlue(scene);
        heal(scene, "blue", 0);
      },
      "hold stuck",
    ],
    "blue-starting": [(scene) => heal(scene, "blue", 1), "wait"],
    "primary-is-green": [
      flippedBack((scene) => {
        setOf(scene, "blue").status = "ACTIVE";
        setOf(scene, "green").status = "PRIMARY";
      }),
      "perform makePrimary",
    ],
    "blue-long": [
      flippedBack((scene) => {
        if (scene.d.blue) scene.d.blue.scalePercent = 50;
      }),
      "perform scaleTaskSet",
    ],
    "green-untagged": [
      (scene) => {
        weigh(scene, 1, 0);
      },
      "perform tagTaskSet",
    ],
    "green-in-doubt": [
      flippedBack((scene) => {
        without(scene, "green");
        delete scene.d.green.arn;
        scene.d.green.doubt = true;
      }),
      "perform createTaskSet",
    ],
    unreadable: [
      flippedBack(({ seen }) => {
        seen.service = faulty();
      }),
      "wait",
    ],
    "green-carries": [
      flippedBack(({ d, seen }) => {
        const ref = { kind: "rule", arn: rule } as const;
        seen.routes[rule] = read({ ref, weights: { [groupB]: 1 }, rest: "other" });
        for (const route of d.routes) if (route.ref.arn === rule) route.gone = true;
      }),
      "hold stuck",
    ],
    "hold-time": [flippedBack(({ d }) => void (d.carriedAt.green = now - 1_000)), "wait"],
    "green-not-shown": [
      flippedBack((scene) => {
        without(scene, "green");
        scene.d.green.createdAt = now - 1_000;
      }),
      "wait",
    ],
    "green-up": [flippedBack(asIs), "perform scaleTaskSet"],
    "green-there": [
      flippedBack((scene) => void (setOf(scene, "green").scalePercent = 0)),
      "perform deleteTaskSet",
    ],
    "green-draining": [flippedBack((scene) => void (setOf(scene, "green").status = "DRAINING")), "wait"],
    undone: [flippedBack(deleteGreen), "enter rolled_back"],
  },
  succeeded: leaveOut(settled, "late-green-held", "late-green"),
  rolled_back: {
    ...settled,
    "scaled-late": [scaledLate("blue"), "perform scaleTaskSet"],
    "late-green-held": [
      (scene) => {
        serviceOf(scene).taskSets.push(taskSet("green"));
        scene.d.carriedAt.green = now - 1_000;
      },
      "wait",
    ],
    "late-green": [(scene) => void serviceOf(scene).taskSets.push(taskSet("green")), "perform deleteTaskSet"],
  },
  failed: untouched,
  cancelled: untouched,
  superseded: untouched,
  abandoned: {
    ...leaveOut(settled, "late-green-held", "late-green", "unreadable", "late-weights", "scaled-late"),
  },
};

function leaveOut(table: Table, ...names: string[]): Table {
  return Object.fromEntries(Object.entries(table).filter(([name]) => !names.includes(name)));
}
