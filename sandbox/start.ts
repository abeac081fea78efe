import type { Clock } from "./clock.ts";
import { Faults } from "./faults.ts";
import { Aws } from "./model/aws.ts";
import type { Settings } from "./model/settings.ts";
import { seededRandom } from "./random.ts";
import { SteadyTraffic, type Flow } from "./traffic/steady.ts";
import { answering } from "./wire/answer.ts";
import { CallLog } from "./wire/calls.ts";
import { controlOf, type ControlExtension } from "./wire/control.ts";
import { type Direct, directly } from "./wire/direct.ts";
import { wireHandle } from "./wire/handle.ts";
import { inProcessHandler, type InProcessHandler } from "./wire/handler.ts";
import { serveWire, type WireServer } from "./wire/http.ts";
import type { Handle } from "./wire/message.ts";

export interface StartOptions {
  clock: Clock;
  seed?: number;
  settings?: Partial<Settings>;
  extensions?: readonly ControlExtension[];
}

export interface LocalAws {
  aws: Aws;
  faults: Faults;
  calls: CallLog;
  handle: Handle;
  /** For an SDK client in this process: `new ECSClient({ requestHandler: handler(), … })`. */
  handler(requestTimeoutMs?: number): InProcessHandler;
  /** For calls in this process that need no protocol: they take a tenth of the time. */
  direct(timeoutMs?: number): Direct;
  /**
   * Lets requests arrive at a listener from now on without sending any: see `SteadyTraffic`. Where a balancer
   * listens, send it real ones instead.
   */
  flow(listenerArn: string, flow: Flow): void;
  /** Listens as well; more than once if need be. */
  listen(port?: number, host?: string): Promise<WireServer>;
  /** Stops everything that listens, all flows, and what CloudWatch does by itself. Safe to repeat. */
  close(): Promise<void>;
}

/** A local AWS, model and wire, without anything that carries traffic. */
export function startAws({ clock, seed = 1, settings, extensions = [] }: StartOptions): LocalAws {
  const aws = new Aws({ clock, seed, ...(settings === undefined ? {} : { settings }) });
  // Apart from the model's, so that a fault does not change every id after it.
  const faults = new Faults(seed + 1);
  const calls = new CallLog();
  let requests = 0;
  const answers = {
    answer: answering({ aws, clock, faults, calls }),
    requestId: () => `sandbox-${String(++requests).padStart(8, "0")}`,
  };
  const handle = wireHandle({ ...answers, control: controlOf({ aws, faults, calls, extensions }) });
  const servers: WireServer[] = [];
  let steady: SteadyTraffic | undefined;
  return {
    aws,
    faults,
    calls,
    handle,
    handler: (requestTimeoutMs) => inProcessHandler(handle, clock, requestTimeoutMs),
    direct: (timeoutMs) => directly(answers, clock, timeoutMs),
    flow(listenerArn, flow) {
      const { traffic, recorder } = aws;
      // Apart from the model's as well.
      steady ??= new SteadyTraffic({ traffic, recorder, clock, random: seededRandom(seed + 2) });
      steady.flow(listenerArn, flow);
      aws.watch();
    },
    async listen(port, host) {
      const server = await serveWire(handle, port, host);
      servers.push(server);
      return server;
    },
    async close() {
      aws.rest();
      steady?.end();
      await Promise.all(servers.splice(0).map((server) => server.close()));
    },
  };
}
