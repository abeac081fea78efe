/** `teal policy`: what IAM must grant for a teal.yaml, and no more. Asks nobody, so it works before Teal does. */
import { type Grants, grantsFor, type Policy } from "../aws/policy.ts";
import { deployablesOf } from "../config/review.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import type { Terminal } from "./terminal.ts";
import { clean } from "./text.ts";
import { readFile } from "./validate.ts";

/** @param file its path; `-` is the standard input */
export function policy(
  { terminal, json }: { terminal: Terminal; json: boolean },
  file: string,
  { principal, taskRole: taskRoles = [] }: { principal?: string; taskRole?: string[] },
): ExitCode {
  for (const arn of [...(principal === undefined ? [] : [principal]), ...taskRoles]) {
    if (!/^arn:aws[a-z-]*:(?:iam|sts)::\d{12}:/.test(arn)) {
      throw new Failure(exitCodes.usage, `${arn} is no ARN of a role or user`, {
        fix: "Write it like arn:aws:iam::123456789012:role/teal.",
      });
    }
  }
  const { problems, services } = deployablesOf(readFile(file), file);
  if (problems.length > 0) {
    if (json) terminal.json({ problems });
    else for (const { path, message } of problems) terminal.out(`${path} ${clean(message)}`);
    return exitCodes.failed;
  }
  const grants = grantsFor(services, { ...(principal !== undefined && { principal }), taskRoles });
  if (json) terminal.json({ grants });
  else for (const line of draw(grants, terminal)) terminal.out(line);
  return exitCodes.success;
}

/** Headed where there are several, so that the only one can go straight into a file. */
function draw(grants: readonly Grants[], { colors: c }: Pick<Terminal, "colors">): string[] {
  const documents = grants.flatMap(({ roleArn, policy, trust }) => [
    { head: `${roleArn ?? "Teal's own identity"}: policy`, policy },
    ...(trust ? [{ head: `${roleArn}: trust policy`, policy: trust }] : []),
  ]);
  const [only, ...others] = documents;
  if (only && others.length === 0) return [pretty(only.policy)];
  return documents.flatMap(({ head, policy }) => [c.bold(head), pretty(policy), ""]);
}

function pretty(policy: Policy): string {
  return JSON.stringify(policy, undefined, 2);
}
