/** From a payload to the request that a webhook of `teal.yaml` makes of it. Pure. */
import type { z } from "zod";
import { explain } from "../../config/explain.ts";
import { isLike } from "../../config/pattern.ts";
import { fill, textOf, valueAt } from "../../config/template.ts";
import type { Webhook } from "../../config/webhooks.ts";
import { TealError } from "../../errors.ts";
import { deployRequest } from "../contract.ts";
import { malformed } from "../problems.ts";

const shownMax = 100;
const reasonMax = 500;

/** The first condition that doesn't hold, in words; undefined where all do. */
export function unmet({ when }: Webhook, payload: unknown): string | undefined {
  for (const [path, patterns] of Object.entries(when)) {
    const value = valueAt(payload, path);
    const text = textOf(value);
    if (text !== undefined && patterns.some((pattern) => isLike(text, pattern))) continue;
    const found = text ?? (value === undefined ? "missing" : value === null ? "null" : "no single value");
    return `${path} is ${found.slice(0, shownMax)}, not ${patterns.join(" or ").slice(0, shownMax)}`;
  }
  return undefined;
}

/** Throws `bad-mapping` where the payload lacks a value, or what it makes of it is no request. */
export function requestOf({ name, deploy }: Webhook, payload: unknown): z.output<typeof deployRequest> {
  const filled = (field: string, written: string): string => {
    const { text, fault } = fill(written, payload, field === "reason" ? "cut" : "refuse");
    if (text === undefined) throw misfit(name, `deploy.${field} takes ${fault}`);
    return text;
  };
  const { images, whenBusy, reason = `webhook ${name}`, ...texts } = deploy;
  const raw: Record<string, unknown> = { ...(whenBusy && { whenBusy }) };
  for (const [field, written] of Object.entries(texts)) raw[field] = filled(field, written);
  if (images) {
    const named = Object.entries(images).map(([container, written]) => {
      return [container, filled(`images.${container}`, written)] as const;
    });
    raw["images"] = Object.fromEntries(named);
  }
  if (typeof raw["build"] === "string" && /^\d{1,16}$/.test(raw["build"]))
    raw["build"] = Number(raw["build"]);
  raw["reason"] = filled("reason", reason).slice(0, reasonMax);
  const parsed = deployRequest.safeParse(raw, { error: explain });
  if (parsed.success) return parsed.data;
  const { message, problems } = malformed(parsed.error);
  throw misfit(name, message, problems);
}

function misfit(name: string, what: string, problems: TealError["problems"] = []): TealError {
  return new TealError("bad-mapping", `Webhook ${name}: ${what.replace(/\.$/, "")}.`, { problems });
}
