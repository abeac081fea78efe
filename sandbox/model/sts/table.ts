import { z } from "zod";
import { checked, type Action } from "../action.ts";
import { AwsError, validationError } from "../error.ts";
import type { Caller, Sts } from "./sts.ts";

/** Where a call of STS acts: what there is, and who calls. */
export interface StsPlace {
  sts: Sts;
  caller: Caller;
}

/** Without `DurationSeconds`; the shortest session (API reference, AssumeRole). */
const usualSeconds = 3_600;
const leastSeconds = 900;

const assumeRoleInput = z.object({
  RoleArn: z.string().min(20),
  RoleSessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/),
  ExternalId: z.string().min(2).max(1224).optional(),
  DurationSeconds: z.coerce.number().int().min(leastSeconds).max(43_200).optional(),
});

/** The STS actions that the sandbox knows. */
export const stsActions = {
  AssumeRole: on(assumeRoleInput, assumeRole),
  GetCallerIdentity: on(z.object({}), ({ caller }) => ({
    UserId: caller.userId,
    Account: caller.account,
    Arn: caller.arn,
  })),
};

/** AWS does not tell a role that is missing from one that may not be assumed. */
function assumeRole({ sts, caller }: StsPlace, input: z.output<typeof assumeRoleInput>) {
  const role = sts.role(input.RoleArn);
  if (role === undefined || (role.externalId !== undefined && role.externalId !== input.ExternalId)) {
    throw new AwsError(
      "AccessDenied",
      `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${input.RoleArn}`,
      403,
    );
  }
  const seconds = input.DurationSeconds ?? usualSeconds;
  if (seconds > role.maxSessionSeconds) {
    throw validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  const session = sts.begin(input.RoleArn, input.RoleSessionName, seconds);
  return {
    Credentials: {
      AccessKeyId: session.accessKeyId,
      SecretAccessKey: session.secretAccessKey,
      SessionToken: session.token,
      Expiration: new Date(session.expiresAt),
    },
    AssumedRoleUser: { AssumedRoleId: session.caller.userId, Arn: session.caller.arn },
  };
}

function on<I extends z.ZodType, O extends object>(
  input: I,
  act: (place: StsPlace, input: z.output<I>) => O,
): Action<I, O, StsPlace> {
  return { input, perform: (place, params, refuse) => act(place, checked(input, params, refuse)) };
}
