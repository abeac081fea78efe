import type { z } from "zod";
import type { Clock } from "../clock.ts";
import { seededRandom } from "../random.ts";
import { minuteMs, Recorder } from "../traffic/recorder.ts";
import type { Action } from "./action.ts";
import { CloudWatch } from "./cloudwatch/cloudwatch.ts";
import { cloudWatchActions } from "./cloudwatch/table.ts";
import { ecsActions } from "./ecs/table.ts";
import { targetJudged, taskChanged, taskEnded } from "./ecs/scheduler.ts";
import { viewOfTask } from "./ecs/taskLife.ts";
import { elbActions } from "./elb/table.ts";
import { type AwsError, invalidParameter, notImplemented, validationError } from "./error.ts";
import { homeAccount, placeName, Region, type Surroundings } from "./region.ts";
import { type Credential, Sts } from "./sts/sts.ts";
import { stsActions } from "./sts/table.ts";
import { defaultSettings, type Settings } from "./settings.ts";
import { healthByBehaviour, RegionTraffic } from "./regionTraffic.ts";
import type { Traffic } from "./traffic.ts";

type EcsActions = typeof ecsActions;
type ElbActions = typeof elbActions;
type CloudWatchActions = typeof cloudWatchActions;

/** The services that the sandbox answers for, as SigV4 scopes name them. */
export type ServiceName = "ecs" | "elasticloadbalancing" | "monitoring" | "sts";

/** In which of the two families of protocols each speaks of credentials that won't do. */
const protocols = {
  ecs: "json",
  monitoring: "json",
  elasticloadbalancing: "query",
  sts: "query",
} as const satisfies Record<ServiceName, string>;

export interface AwsOptions {
  clock: Clock;
  /** Decides every id and every other chance; the same seed and calls give the same world. */
  seed?: number;
  settings?: Partial<Settings>;
}

/**
 * A whole AWS in memory, as far as Teal needs one: accounts with their regions, which know nothing of each other.
 * Every operation is synchronous; what takes time on AWS happens later on the clock.
 */
export class Aws {
  readonly clock: Clock;
  /** Change its fields at any time. */
  readonly settings: Settings;
  /** What the load balancers counted: whatever carries requests writes it, CloudWatch reads it. */
  readonly recorder: Recorder;
  /** The roles that there are, and who calls with which key. */
  readonly sts: Sts;
  readonly #around: Surroundings;
  readonly #traffic: RegionTraffic;
  readonly #regions = new Map<string, Region>();
  readonly #cloudWatches = new Map<Region, CloudWatch>();
  readonly #seed: number;
  #cancelMinute: (() => void) | undefined;

  constructor({ clock, seed = 1, settings = {} }: AwsOptions) {
    this.clock = clock;
    this.recorder = new Recorder(clock);
    // Apart from the others, so that a session does not change every id after it.
    this.sts = new Sts(clock, seededRandom(seed + 3));
    this.#seed = seed;
    this.settings = { ...defaultSettings, ...settings, behaviours: { ...settings.behaviours } };
    this.#traffic = new RegionTraffic(this.#regions);
    this.#around = {
      clock,
      random: seededRandom(seed),
      settings: this.settings,
      prober: (probe) => healthByBehaviour(probe, clock.now()),
      addresses: 0,
      emitTask: (event) => this.#traffic.emitTask(event),
      emitListeners: () => this.#traffic.emitListeners(),
    };
    this.#traffic.useProber = (prober) => {
      this.#around.prober = prober;
    };
  }

  /** The face to whatever carries requests. */
  get traffic(): Traffic {
    return this.#traffic;
  }

  /** Calls one ECS action in the home account with typed parameters; throws AwsError. */
  ecs<A extends keyof EcsActions>(
    region: string,
    action: A,
    params: z.input<EcsActions[A]["input"]>,
  ): ReturnType<EcsActions[A]["perform"]>;
  ecs(region: string, action: keyof EcsActions, params: unknown): unknown {
    return this.perform("ecs", action, region, params);
  }

  /** Calls one ELBv2 action in the home account with typed parameters; throws AwsError. */
  elb<A extends keyof ElbActions>(
    region: string,
    action: A,
    params: z.input<ElbActions[A]["input"]>,
  ): ReturnType<ElbActions[A]["perform"]>;
  elb(region: string, action: keyof ElbActions, params: unknown): unknown {
    return this.perform("elasticloadbalancing", action, region, params);
  }

  /** Calls one CloudWatch action in the home account with typed parameters; throws AwsError. */
  cloudwatch<A extends keyof CloudWatchActions>(
    region: string,
    action: A,
    params: z.input<CloudWatchActions[A]["input"]>,
  ): ReturnType<CloudWatchActions[A]["perform"]>;
  cloudwatch(region: string, action: keyof CloudWatchActions, params: unknown): unknown {
    return this.perform("monitoring", action, region, params);
  }

  /**
   * Calls an action by name with parameters as they came over the wire, in the account that the credential leads
   * to: home where there is none. Throws AwsError. A refused call changes nothing.
   */
  perform(
    service: ServiceName,
    action: string,
    region: string,
    params: unknown,
    credential?: Credential,
  ): object {
    const caller = this.sts.callerOf(credential, protocols[service]);
    if (service === "sts")
      return run(stsActions, service, action, { sts: this.sts, caller }, params, validationError);
    const place = this.region(region, caller.account);
    if (service === "ecs") return run(ecsActions, service, action, place, params, invalidParameter);
    if (service === "elasticloadbalancing")
      return run(elbActions, service, action, place, params, validationError);
    const cloudwatch = this.#cloudWatch(place);
    const answer = run(cloudWatchActions, service, action, cloudwatch, params, validationError);
    if (cloudwatch.alarms.size > 0) this.watch();
    return answer;
  }

  /**
   * Begins to do at each minute what CloudWatch does by itself: it counts healthy hosts and judges alarms. The
   * first alarm begins it; call it where somebody carries requests. Safe to repeat; `rest` ends it.
   */
  watch(): void {
    if (this.#cancelMinute !== undefined) return;
    const untilMinute = minuteMs - (this.clock.now() % minuteMs);
    this.#cancelMinute = this.clock.after(untilMinute, () => {
      this.#cancelMinute = undefined;
      for (const region of this.#regions.values()) this.#cloudWatch(region).everyMinute();
      this.watch();
    });
  }

  /** Leaves no timer of `watch` behind. */
  rest(): void {
    this.#cancelMinute?.();
    this.#cancelMinute = undefined;
  }

  /** A region's state for those who check it from outside; look, don't touch. */
  region(name: string, account = homeAccount): Region {
    const key = placeName(account, name);
    let region = this.#regions.get(key);
    if (region === undefined) {
      const made = new Region(account, name, this.#around);
      made.ears = {
        targetJudged: (target) => targetJudged(made, target),
        taskEnded: (task, failed) => taskEnded(made, task, failed),
        taskChanged: (task) => taskChanged(made, task),
        taskView: (arn) => {
          const task = made.ecs.tasks.get(arn);
          return task === undefined || task.lastStatus === "STOPPED" ? undefined : viewOfTask(made, task);
        },
      };
      this.#regions.set(key, made);
      region = made;
    }
    return region;
  }

  #cloudWatch(region: Region): CloudWatch {
    let found = this.#cloudWatches.get(region);
    if (found === undefined) {
      found = new CloudWatch(region, this.recorder, this.#seed);
      this.#cloudWatches.set(region, found);
    }
    return found;
  }

  /** A copy of everything by `placeName`, for checkers and for `/_sandbox/state`. Not lagged. */
  snapshot() {
    return Object.fromEntries([...this.#regions].map(([name, region]) => [name, picture(region)]));
  }
}

export type Snapshot = ReturnType<Aws["snapshot"]>;

function listed<V extends object>(map: ReadonlyMap<string, V>): V[] {
  return [...map.values()].map((one) => ({ ...one }));
}

function picture({ ecs, elb, routes }: Region) {
  return {
    services: listed(ecs.services),
    taskSets: listed(ecs.taskSets),
    tasks: listed(ecs.tasks),
    taskDefinitions: [...ecs.definitions.values()].flat(),
    tags: Object.fromEntries([...ecs.tags, ...elb.tags]),
    listeners: listed(elb.listeners),
    rules: listed(elb.rules),
    targetGroups: listed(elb.groups).map((group) => ({
      ...group,
      attributes: Object.fromEntries(group.attributes),
    })),
    targets: listed(elb.targets),
    /** What the traffic follows now, by listener (its default action last). */
    inForce: Object.fromEntries([...elb.listeners.keys()].map((arn) => [arn, routes.of(arn)])),
  };
}

function run<P>(
  table: Record<string, Pick<Action<z.ZodType, object, P>, "perform">>,
  service: string,
  name: string,
  place: P,
  params: unknown,
  refuse: (message: string) => AwsError,
): object {
  const action = Object.hasOwn(table, name) ? table[name] : undefined;
  if (action === undefined) throw notImplemented(service, name);
  return action.perform(place, params, refuse);
}
