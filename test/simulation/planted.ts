/**
 * Faults planted in Teal itself, one at a time, to show that the promises' checkers see them. Each says which
 * promise it breaks. None of them can be switched on from outside the tests.
 */
import { type Decide, decide, machine, rules } from "../../src/deployment/decide.ts";
import { forbid } from "../../src/deployment/forbid.ts";
import type { Seen } from "../../src/deployment/observation.ts";
import type { Phase } from "../../src/deployment/phases.ts";
import type { Rule } from "../../src/deployment/rules/rule.ts";
import type { Cloud, Guard, Hooks, Records } from "../../src/engine/ports.ts";
import type { Step } from "../../src/deployment/strategy.ts";
import { tagKeys } from "../../src/deployment/target.ts";
import type { MemoryRecords } from "../support/memory-records.ts";
import type { Bare, Happening, Plan } from "./chaos.ts";

/** Broken parts in the place of the real ones. */
export interface Planted {
  decide?: Decide;
  cloud?: (cloud: Cloud) => Cloud;
  hooks?: (hooks: Hooks) => Hooks;
  records?: (records: Records, cloud: () => Cloud) => Records;
  /** What all workers share, rather than what one has in hand. */
  shared?: (records: MemoryRecords) => Records;
  /** Every worker goes by the clock of its host. */
  clocks?: "of hosts";
}

export interface PlantedFault {
  name: string;
  /** The promises whose checkers may catch it. */
  breaks: number[];
  make: () => Planted;
  /** Makes what the fault is about more frequent than chance would. */
  provoke?: (plan: Plan) => void;
}

const noGuard: typeof forbid = () => undefined;
const unguarded: Guard = { deadline: Number.POSITIVE_INFINITY, allowed: async () => true };

/** The rules without some situations, and without the last guard. */
function without(...situations: string[]): Decide {
  const left = Object.entries(rules).map(([phase, list]: [string, Rule[]]) => [
    phase,
    list.filter((rule) => !situations.includes(rule.situation)),
  ]);
  return machine(Object.fromEntries(left) as Record<Phase, Rule[]>, noGuard);
}

/** Decides on an observation that is not what was seen. */
function misseeing(change: (seen: Seen) => Seen): Decide {
  return (before, seen, commands, now) => decide(before, change(seen), commands, now);
}

function cloudWith(change: (cloud: Cloud) => Partial<Cloud>): Planted {
  return {
    cloud: (cloud) => ({
      look: (...asked) => cloud.look(...asked),
      perform: (...asked) => cloud.perform(...asked),
      ...change(cloud),
    }),
  };
}

function recordsWith(change: (records: Records, cloud: () => Cloud) => Partial<Records>): Planted {
  return { records: (records, cloud) => ({ ...records, ...change(records, cloud) }) };
}

/** Somebody asks for a rollback so long after the first deployment began. */
function rollBackAfter(ms: number): (plan: Plan) => void {
  return ({ happenings }) => {
    const at = (happenings.find((happening) => happening.kind === "deploy")?.at ?? 0) + ms;
    happenings.push({ at, service: 0, kind: "command", command: "rollback", full: false });
    happenings.sort((a, b) => a.at - b.at);
  };
}

/** Something happens while the first deployment shifts traffic by several steps. */
function during(plan: Plan, what: Bare<Happening>, ms = 16_000): void {
  const first = plan.happenings.find((happening) => happening.kind === "deploy");
  if (first?.kind !== "deploy") return;
  const steps: Step[] = [25, 50, 75, 100].flatMap((percent) => [
    { kind: "weight", percent },
    { kind: "pause", id: `after-${percent}`, ms: 5_000 },
  ]);
  first.strategy = { ...first.strategy, before: [], testing: [], onDrift: "hold", steps };
  plan.happenings.push({ at: first.at + ms, service: first.service, ...what });
  plan.happenings.sort((a, b) => a.at - b.at);
}

/** A leftover comes once green is created, and green's second task is slow to follow the first. */
function leaveOverEarly(plan: Plan): void {
  plan.settings.taskStartMs = 8_000;
  for (const service of plan.services) service.desired = 4;
  const first = plan.happenings.find((happening) => happening.kind === "deploy");
  if (first?.kind !== "deploy") return;
  const steps = [25, 50, 100].map((percent) => ({ kind: "weight", percent }) as const);
  first.strategy = { ...first.strategy, before: [], testing: [], steps };
  for (const ms of [4_000, 12_000])
    plan.happenings.push({ at: first.at + ms, service: first.service, kind: "leftover" });
  plan.happenings.sort((a, b) => a.at - b.at);
}

export const plantedFaults: PlantedFault[] = [
  {
    name: "every create carries a new token",
    provoke: ({ faults }) =>
      void faults.unshift({ fault: { kind: "loseAnswer" }, action: "CreateTaskSet", probability: 0.5 }),
    breaks: [3],
    make: () => {
      let calls = 0;
      return cloudWith((cloud) => ({
        perform: (target, effect, guard) =>
          effect.kind === "createTaskSet"
            ? cloud.perform(
                target,
                { ...effect, request: { ...effect.request, clientToken: `token${calls++}` } },
                guard,
              )
            : cloud.perform(target, effect, guard),
      }));
    },
  },
  {
    name: "weights are raised before green is healthy",
    breaks: [1],
    make: () => ({ decide: without("green-not-ready", "green-small") }),
  },
  {
    name: "blue is deleted before the routes are read back",
    breaks: [2],
    make: () => ({ decide: without("route-lagging", "route-behind", "blue-carries", "hold-time") }),
  },
  {
    name: "commits are not compared with what was claimed",
    provoke: ({ happenings, disturbedMs }) => {
      for (let at = 1_000; at < disturbedMs; at += 4_000)
        happenings.push({ at, service: 0, kind: "duplicate" });
      happenings.sort((a, b) => a.at - b.at);
    },
    breaks: [4],
    make: () => ({
      shared: (records) => ({
        ...records,
        holds: async () => true,
        commit: async (claimed, decision, now) => {
          const latest = await records.claim(claimed.claim.id);
          if (!latest) return { kind: "lost" };
          const shifted = {
            ...decision,
            events: decision.events.map((event, n) => ({ ...event, seq: latest.deployment.events + n })),
          };
          shifted.next = { ...decision.next, events: latest.deployment.events + decision.events.length };
          return await records.commit({ ...latest, claim: latest.claim }, shifted, now);
        },
      }),
    }),
  },
  {
    name: "PRIMARY is inferred after the call instead of read",
    provoke: ({ faults }) =>
      void faults.unshift({
        fault: { kind: "loseRequest" },
        action: "UpdateServicePrimaryTaskSet",
        probability: 0.5,
      }),
    breaks: [2, 3, 6, 7],
    make: () => ({
      decide: (before, seen, commands, now) => {
        const called = before.phase === "promoting" && before.pending?.effect.kind === "makePrimary";
        if (!called || !seen.service?.ok) return decide(before, seen, commands, now);
        const taskSets = seen.service.value.taskSets.map((set) => ({
          ...set,
          status:
            set.arn === before.green.arn
              ? ("PRIMARY" as const)
              : set.status === "PRIMARY"
                ? ("ACTIVE" as const)
                : set.status,
        }));
        return decide(
          before,
          { ...seen, service: { ...seen.service, value: { ...seen.service.value, taskSets } } },
          commands,
          now,
        );
      },
    }),
  },
  {
    name: "a rollback writes 100:0 instead of the recorded weights",
    provoke: rollBackAfter(15_000),
    breaks: [5, 6, 7, 9],
    make: () =>
      cloudWith((cloud) => ({
        perform: (target, effect, guard) =>
          effect.kind === "setWeights" && effect.to.green === 0
            ? cloud.perform(target, { ...effect, to: { blue: 100, green: 0 } }, guard)
            : cloud.perform(target, effect, guard),
      })),
  },
  {
    name: "the inbox is read once a turn and trimmed whole",
    breaks: [8],
    make: () =>
      recordsWith((records) => ({
        commit: async (claimed, decision, now) => {
          const first = await records.commit(claimed, decision, now);
          if (first.kind !== "again") return first;
          return await records.commit({ ...claimed, inbox: first.inbox, slot: first.slot }, decision, now);
        },
      })),
  },
  {
    name: "effects are performed before they are written down",
    breaks: [5],
    make: () =>
      recordsWith((records, cloud) => ({
        commit: async (claimed, decision, now) => {
          const { pending, target } = decision.next;
          if (decision.perform && pending && pending.effect.kind !== "callHook")
            await cloud().perform(target, pending.effect, unguarded);
          return await records.commit(claimed, decision, now);
        },
      })),
  },
  {
    name: "what is pending is repeated blindly after a crash",
    breaks: [1, 2, 5],
    make: () =>
      recordsWith((records, cloud) => ({
        claim: async (id) => {
          const claimed = await records.claim(id);
          const pending = claimed?.deployment.pending;
          if (claimed && pending && pending.effect.kind !== "callHook")
            await cloud().perform(claimed.deployment.target, pending.effect, unguarded);
          return claimed;
        },
      })),
  },
  {
    name: "calls have no deadline",
    breaks: [5],
    make: () =>
      cloudWith((cloud) => ({
        perform: (target, effect) => cloud.perform(target, effect, unguarded),
      })),
  },
  {
    name: "the hold time is ignored",
    breaks: [2],
    make: () => ({ decide: without("hold-time") }),
  },
  {
    name: "leftover targets count as green's own",
    provoke: leaveOverEarly,
    breaks: [1],
    make: () => ({
      decide: misseeing((seen) => {
        if (!seen.tasks?.ok) return seen;
        const targets = Object.values(seen.health).flatMap((reading) => (reading.ok ? reading.value : []));
        const addresses = targets.map((target) => target.address);
        return {
          ...seen,
          tasks: { ...seen.tasks, value: seen.tasks.value.map((task) => ({ ...task, addresses })) },
        };
      }),
    }),
  },
  {
    name: "weights that were asked for count as read back",
    breaks: [1, 2, 6, 7],
    make: () => {
      const inner = without("route-lagging", "route-behind", "blue-carries");
      return {
        decide: (before, seen, commands, now) => {
          const routes = Object.fromEntries(
            Object.entries(seen.routes).map(([arn, reading]) => {
              const asked = before.routes.find((route) => route.ref.arn === arn)?.asked;
              if (!reading.ok || !asked || !before.pair) return [arn, reading];
              const weights = {
                ...reading.value.weights,
                [before.pair.blue]: asked.blue,
                [before.pair.green]: asked.green,
              };
              return [arn, { ...reading, value: { ...reading.value, weights } }];
            }),
          );
          return inner(before, { ...seen, routes }, commands, now);
        },
      };
    },
  },
  {
    name: "everybody believes to have the service",
    provoke: ({ happenings }) => {
      const first = happenings.find((happening) => happening.kind === "deploy");
      if (first) happenings.push({ ...first, at: first.at + 5_000, version: 4, whenBusy: "queue" });
      happenings.sort((a, b) => a.at - b.at);
    },
    breaks: [1, 2, 3, 4, 6, 7, 9],
    make: () => ({
      decide: (before, seen, commands, now) =>
        decide(before, { ...seen, slot: { ...seen.slot, acting: before.id } }, commands, now),
    }),
  },
  {
    name: "a rollback waits while others hold on to the routes",
    provoke: rollBackAfter(15_000),
    breaks: [6, 7],
    make: () => {
      const held: Rule[] = rules.rolling_back.map((rule) =>
        rule.situation === "route-away" ? { ...rule, when: () => false } : rule,
      );
      return { decide: machine({ ...rules, rolling_back: held }, forbid) };
    },
  },
  {
    name: "an unanswered create is forgotten by a rollback",
    provoke: (plan) => {
      plan.settings.ecsReadLagMs = 4_000;
      plan.faults.unshift({ fault: { kind: "loseAnswer" }, action: "CreateTaskSet" });
      rollBackAfter(2_000)(plan);
    },
    breaks: [3],
    make: () => ({ decide: without("green-in-doubt", "late-green-held", "late-green", "hold-time") }),
  },
  {
    name: "a freeze is overlooked",
    provoke: (plan) => during(plan, { kind: "freeze", ms: 120_000 }),
    breaks: [8],
    make: () => ({ decide: misseeing((seen) => ({ ...seen, closed: [] })) }),
  },
  {
    name: "every call of a hook carries a new key",
    breaks: [5],
    make: () => {
      let calls = 0;
      return {
        hooks: (hooks) => ({
          call: (request, guard) => hooks.call({ ...request, idempotencyKey: `key${calls++}` }, guard),
        }),
      };
    },
  },
  {
    name: "what others set on a route is overwritten",
    provoke: (plan) => during(plan, { kind: "drift", route: "listener", green: 33 }),
    breaks: [9],
    make: () => ({ decide: without("drifted") }),
  },
  {
    name: "the tags of green are ignored",
    provoke: (plan) => {
      rollBackAfter(20_000)(plan);
      during(plan, { kind: "older", ms: 8_000 }, 26_000);
    },
    breaks: [10],
    make: () => ({
      decide: misseeing((seen) => {
        if (!seen.service?.ok) return seen;
        const taskSets = seen.service.value.taskSets.map((set) => ({
          ...set,
          spec: { ...set.spec, tags: (set.spec.tags ?? []).filter(({ key }) => key !== tagKeys.rollingBack) },
        }));
        return { ...seen, service: { ...seen.service, value: { ...seen.service.value, taskSets } } };
      }),
    }),
  },
  {
    name: "an older record goes on as if AWS were older too",
    provoke: (plan) => during(plan, { kind: "older", ms: 10_000 }, 28_000),
    breaks: [10],
    make: () => ({
      decide: without("drifted", "drift-reapplied", "promoted-unknown", "green-says-rolling-back"),
    }),
  },
  {
    name: "every worker goes by the clock of its host",
    provoke: ({ hosts }) => void (hosts.wrongMs = 4_000),
    breaks: [2],
    make: () => ({ clocks: "of hosts" }),
  },
  {
    name: "time that nobody watched counts as held",
    provoke: (plan) => {
      for (const ms of [8_000, 12_000, 16_000, 20_000]) during(plan, { kind: "clock", ms: 600_000 }, ms);
    },
    breaks: [2],
    make: () => ({
      decide: (before, seen, commands, now) => {
        const routesRead = before.routesRead && { ...before.routesRead, at: now };
        return decide({ ...before, dueAt: Infinity, ...(routesRead && { routesRead }) }, seen, commands, now);
      },
    }),
  },
];
