/**
 * Workers that crash, freeze and lose their answers. A run of turns is a process; every port it calls is a place
 * where it can die (its promise never settles, as nobody is left to hear it) or stand still while time goes on.
 * So the points at which it can be hurt are the port calls themselves: a new effect is covered by existing.
 */
import type { Claim, Clock, Cloud, Hooks, Records } from "../../src/engine/ports.ts";
import type { Outcome } from "../../src/deployment/observation.ts";
import { TealError } from "../../src/errors.ts";
import type { Clock as WorldClock } from "../../sandbox/clock.ts";
import type { Direct } from "../../sandbox/wire/direct.ts";
import type { InProcessHandler } from "../../sandbox/wire/handler.ts";
import type { Gates } from "../support/world.ts";

export type Fate =
  | { kind: "go" }
  | { kind: "crash" }
  | { kind: "freeze"; ms: number }
  /** The call happens, its answer does not arrive. */
  | { kind: "unheard" }
  /** The call does not happen. */
  | { kind: "unsent" };

/** Decides what befalls a process at a point; `at` names the port's method and `before` or `after`. */
export type Fates = (at: string) => Fate;

export interface Process {
  id: string;
  dead: boolean;
}

/** The gates of one process. */
export class ProcessGates implements Gates {
  private readonly process: Process;
  readonly clock: Clock;
  private readonly world: WorldClock;
  private readonly fates: Fates;
  /** Told what befalls it, for the history. */
  private readonly onHurt: (at: string, fate: Fate) => void;

  /** `world` goes on while the process stands still; `clock` is what the process itself takes for the time. */
  constructor(
    process: Process,
    { world, clock }: { world: WorldClock; clock: Clock },
    fates: Fates,
    onHurt: (at: string, fate: Fate) => void,
  ) {
    this.process = process;
    this.world = world;
    this.clock = clock;
    this.fates = fates;
    this.onHurt = onHurt;
  }

  records(records: Records): Records {
    return {
      ...records,
      claim: (id) => this.through("claim", () => records.claim(id), "records"),
      commit: (claimed, decision, now) =>
        this.through("commit", () => records.commit(claimed, decision, now), "records"),
      holds: (claim: Claim) => this.through("holds", () => records.holds(claim), "records"),
    };
  }

  cloud(cloud: Cloud): Cloud {
    return {
      look: (target, look, deadline) => this.through("look", () => cloud.look(target, look, deadline)),
      perform: (target, effect, guard) =>
        this.through(`perform ${effect.kind}`, () => cloud.perform(target, effect, guard)),
    };
  }

  hooks(hooks: Hooks): Hooks {
    return {
      call: (request, guard) =>
        this.through("perform callHook", async () => {
          if (!(await guard.allowed()) || this.clock.now() > guard.deadline) return tooLate(this.clock.now());
          return this.through("send callHook", () => hooks.call(request, guard));
        }),
    };
  }

  /** The last moment before a request leaves: past every guard. */
  handler(handler: InProcessHandler): InProcessHandler {
    return {
      ...handler,
      handle: async (request, options) => {
        const action =
          request.headers["x-amz-target"]?.split(".").at(-1) ?? /Action=(\w+)/.exec(text(request.body))?.[1];
        // Whoever stood still sends what was in its hands, though it was told to stop meanwhile.
        const { abortSignal: _told, ...patience } = options ?? {};
        return this.sending(action, () => handler.handle(request, patience));
      },
    };
  }

  /** The same, where calls go past the protocols. */
  direct(direct: Direct): Direct {
    return (call, options) => this.sending(call.action, () => direct(call, options));
  }

  private sending<T>(action: string | undefined, send: () => Promise<T>): Promise<T> {
    if (action?.startsWith("Describe") || action?.startsWith("List")) return send();
    return this.through(`send ${action}`, send);
  }

  private async through<T>(at: string, call: () => Promise<T>, kind?: "records"): Promise<T> {
    const lost = await this.meet(`before ${at}`, kind);
    if (lost === "unsent") throw new TealError("unavailable", `${at}: the connection broke`);
    const result = await call();
    const unheard = await this.meet(`after ${at}`, kind);
    if (lost === "unheard" || unheard) throw new TealError("unavailable", `${at}: no answer came`);
    return result;
  }

  private async meet(at: string, kind?: "records"): Promise<"unsent" | "unheard" | undefined> {
    const { process } = this;
    if (process.dead) return await never();
    const fate = this.fates(at);
    if (fate.kind === "go") return undefined;
    if ((fate.kind === "unsent" || fate.kind === "unheard") && kind !== "records") return undefined;
    this.onHurt(at, fate);
    switch (fate.kind) {
      case "crash":
        process.dead = true;
        return await never();
      case "freeze":
        await new Promise<void>((resolve) => this.world.after(fate.ms, resolve));
        return process.dead ? await never() : undefined;
      case "unsent":
      case "unheard":
        return fate.kind;
    }
  }
}

/** As the real adapter says it where the guard is against it. */
function tooLate(at: number): Outcome {
  const fault = {
    class: "repeat",
    code: "Expired",
    message: "it came too late",
    action: "hook:call",
  } as const;
  return { kind: "refused", at, fault };
}

function never(): Promise<never> {
  return new Promise<never>(() => {});
}

function text(body: unknown): string {
  return typeof body === "string" ? body : body instanceof Uint8Array ? new TextDecoder().decode(body) : "";
}
