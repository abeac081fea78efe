/** API tokens, and who one is. */
import { z } from "zod";
import { actions, roleNames } from "../../auth/roles.ts";
import { moment, whole } from "./words.ts";

export { roleNames } from "../../auth/roles.ts";

const kind = z.enum(["operator", "ci"]).describe("A person's, or a machine's.");
export const tokenIdentifier = z
  .string()
  .regex(/^[0-9a-f]{16}$/, { error: "must be the id of a token, 16 hexadecimal digits" });

const grant = z.object({
  role: z.enum(roleNames),
  services: z
    .array(
      z.string().regex(/^[a-z0-9*-]{1,40}$/, {
        error: "must be the name of a service, * standing for any characters",
      }),
    )
    .min(1)
    .max(100)
    .describe("Names of services; `*` alone is all of them, and what concerns Teal as a whole."),
  actions: z
    .array(z.enum(actions))
    .min(1)
    .max(actions.length)
    .optional()
    .describe("Only these of the role's."),
});

export const tokenRequest = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w@.+/-]{1,64}$/, { error: "must be 1 to 64 letters, digits and @ . + / - _" })
      .describe("Whose it is, in the history."),
    kind: kind.default("operator"),
    grants: z.array(z.strictObject(grant.shape)).min(1).max(20),
    days: z.int().min(1).max(1000).default(90).describe("How long it is valid."),
  })
  .meta({
    examples: [{ name: "ci", kind: "ci", grants: [{ role: "deployer", services: ["checkout"] }], days: 90 }],
  });
export type TokenBody = z.input<typeof tokenRequest>;

export const tokenView = z.object({
  id: z.string(),
  name: z.string(),
  kind,
  grants: z.array(grant),
  createdAt: moment,
  createdBy: z.string(),
  /** Left out: it does not end by itself. */
  expiresAt: moment.optional(),
  expired: z.boolean(),
});
export type TokenView = z.output<typeof tokenView>;

export const newToken = tokenView.extend({ token: z.string().describe("Shown this once.") });
export const tokenPage = z.object({ tokens: z.array(tokenView), next: z.string().optional() });
export const tokenQuery = z.strictObject({
  limit: whole(1, 100, 50),
  cursor: tokenIdentifier.optional().describe("`next` of the page before."),
});

export const whoami = z.object({
  name: z.string(),
  kind: z.enum(["operator", "ci", "schedule", "teal"]),
  via: z.enum(["root", "token", "oidc", "none"]),
  grants: z.array(grant),
  expiresAt: moment.optional(),
});
export type WhoAmI = z.output<typeof whoami>;
