/** Who did what, and what it changed. */
import { z } from "zod";
import { actor, deploymentId, moment, serviceName, text, whole, writtenMoment } from "./words.ts";

const facts = z.record(z.string(), z.union([z.string(), z.number()]));

export const auditLineView = z.object({
  at: moment,
  deployment: z.string(),
  service: z.string(),
  /** The event's number in the deployment's history. */
  seq: z.int(),
  kind: z
    .enum(["deployment", "command", "call"])
    .describe("Asked for; commanded; changed in AWS, or a hook called."),
  what: z.string().describe("The command's name, or the action's, as IAM writes it."),
  /** Who is behind it: of a call Teal itself, by its reason. */
  actor,
  message: z.string(),
  reason: z.string().optional(),
  before: facts.optional().describe("As it was when that was decided."),
  after: facts.optional().describe("As it is to be."),
  result: z
    .enum(["accepted", "obeyed", "refused", "done", "unknown", "pending"])
    .describe("`unknown`: nobody heard an answer; what came of it was looked for."),
  code: z.string().optional().describe("Of a refusal, or of what came instead of an answer."),
  requestId: z.string().optional().describe("Teal's of what was asked, AWS's of a call."),
});
export type AuditLineView = z.output<typeof auditLineView>;

export const auditPage = z.object({ lines: z.array(auditLineView), next: z.string().optional() });

export const auditQuery = z.strictObject({
  service: serviceName.optional(),
  deployment: deploymentId.optional(),
  actor: text(64).optional().describe("The name of who asked."),
  kind: auditLineView.shape.kind.optional(),
  since: writtenMoment.optional().describe("From this moment on."),
  until: writtenMoment.optional().describe("Before this moment."),
  limit: whole(1, 100, 50),
  cursor: text(200).optional().describe("`next` of the page before."),
});
