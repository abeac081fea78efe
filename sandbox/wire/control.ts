import { z } from "zod";
import type { Faults } from "../faults.ts";
import type { Aws } from "../model/aws.ts";
import { behaviourInput, settingsInput } from "../model/settingsInput.ts";
import { roleInput } from "../world/schema.ts";
import { textOf } from "./body.ts";
import type { CallLog } from "./calls.ts";
import type { WireAnswer, WireRequest } from "./message.ts";

const ms = z.number().min(0);
const faultRule = z.strictObject({
  action: z.string().optional(),
  skip: z.number().int().min(0).optional(),
  times: z.number().int().min(1).optional(),
  probability: z.number().min(0).max(1).optional(),
  fault: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.enum(["throttle", "serverError", "loseAnswer", "loseRequest", "repeat"]) }),
    z.strictObject({
      kind: z.literal("error"),
      code: z.string(),
      message: z.string().optional(),
      status: z.number().int().min(400).max(599).optional(),
    }),
    z.strictObject({ kind: z.enum(["delayAnswer", "delayRequest"]), ms }),
  ]),
});

/** Answers a control request of another part, like the balancer's counts; undefined: not its path. */
export type ControlExtension = (method: string, path: string, body: unknown) => unknown;

interface ControlParts {
  aws: Aws;
  faults: Faults;
  calls: CallLog;
  extensions?: readonly ControlExtension[];
}

const prefix = "/_sandbox";

/**
 * `/_sandbox/…`: how a demo, a test or a person steers the sandbox from
 * another process. JSON in, JSON out; docs/sandbox.md lists the paths.
 */
export function controlOf({ aws, faults, calls, extensions = [] }: ControlParts) {
  const routes: Record<string, (body: unknown) => unknown> = {
    "GET /calls": () => ({
      byAction: calls.byAction(),
      byOutcome: calls.byOutcome(),
      recent: calls.recent().map(({ result: _result, ...call }) => call),
    }),
    "DELETE /calls": () => {
      calls.reset();
      return {};
    },
    "GET /settings": () => aws.settings,
    "POST /settings": (body) => Object.assign(aws.settings, settingsInput.parse(body)),
    "GET /behaviours": () => aws.settings.behaviours,
    // By image; null goes back to the ordinary behaviour.
    "POST /behaviours": (body) => {
      for (const [image, one] of Object.entries(
        z.record(z.string(), behaviourInput.nullable()).parse(body),
      )) {
        if (one === null) delete aws.settings.behaviours[image];
        else aws.settings.behaviours[image] = one;
      }
      return aws.settings.behaviours;
    },
    "POST /tasks/behaviour": (body) => {
      const { taskArn, behaviour: one } = z
        .strictObject({ taskArn: z.string(), behaviour: behaviourInput })
        .parse(body);
      return { found: aws.traffic.setTaskBehaviour(taskArn, one) };
    },
    "POST /tasks/exit": (body) => {
      const { taskArn, exitCode } = z
        .strictObject({ taskArn: z.string(), exitCode: z.number().int().default(1) })
        .parse(body);
      aws.traffic.taskExited(taskArn, exitCode);
      return {};
    },
    "GET /faults": () => faults.list(),
    "POST /faults": (body) => ({ id: faults.add(faultRule.parse(body)) }),
    "DELETE /faults": () => {
      faults.clear();
      return {};
    },
    "POST /roles": (body) => ({ arn: aws.sts.putRole(roleInput.parse(body)) }),
    "GET /state": () => aws.snapshot(),
  };

  return async (request: WireRequest): Promise<WireAnswer | undefined> => {
    const path = request.path.split("?")[0] ?? "";
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return undefined;
    const rest = path.slice(prefix.length);
    try {
      const text = textOf(request);
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const route = routes[`${request.method} ${rest}`];
      if (route !== undefined) return json(200, route(body));
      for (const extension of extensions) {
        const answer = await extension(request.method, rest, body);
        if (answer !== undefined) return json(200, answer);
      }
      return json(404, {
        error: `No ${request.method} ${path}.`,
        known: Object.keys(routes).map((known) => known.replace(" /", ` ${prefix}/`)),
      });
    } catch (cause) {
      const message = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
      return json(400, { error: message });
    }
  };
}

function json(status: number, body: unknown): WireAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
