#!/usr/bin/env node
/** The `teal` command. Speaks HTTP, but for `validate` and `policy`; what it prints to standard output with `--json` is for programs. */
import { userInfo } from "node:os";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import ms, { type StringValue } from "ms";
import { audit, type AuditOptions } from "./audit.ts";
import {
  type CommandName,
  commandNames,
  deliveryOutcomes,
  deliverySources,
  roleNames,
} from "../api/contract.ts";
import { createClient } from "./client.ts";
import { cancel, command, type CommandOptions } from "./command.ts";
import { deliveries, type DeliveriesOptions, redeliver } from "./deliveries.ts";
import { bodyOf, deploy, type DeployOptions, type OrderOptions } from "./deploy.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import { keptLogin, type Login, login, logout, whoami } from "./login.ts";
import { events, list, status } from "./look.ts";
import { plan } from "./plan.ts";
import { queue } from "./queue.ts";
import { recover, type RecoverOptions } from "./recover.ts";
import { schedules } from "./schedules.ts";
import type { Session } from "./session.ts";
import { describeFailure, systemTerminal } from "./terminal.ts";
import { createToken, listTokens, revokeToken, type TokenOptions } from "./tokens.ts";
import { watch } from "./watch.ts";
import { momentForms } from "./when.ts";

interface Global {
  url?: string;
  token?: string;
  json?: boolean;
  timeout: number;
  patience: number;
}

const urlUsual = "http://127.0.0.1:8080";

const terminal = systemTerminal();
const interrupt = new AbortController();
let exitCode: ExitCode = exitCodes.success;

const program = new Command("teal")
  .description("Blue/green and canary deployments of Amazon ECS services")
  .addOption(
    new Option("--url <url>", `address of Teal's API; else that of \`teal login\`, else ${urlUsual}`).env(
      "TEAL_URL",
    ),
  )
  .addOption(
    new Option("--token <token>", "bearer token; rather set TEAL_TOKEN, or `teal login`").env("TEAL_TOKEN"),
  )
  .option("--json", "print JSON for programs")
  .option("--timeout <duration>", "longest time to wait, such as 30m", duration, duration("24h"))
  .option(
    "--patience <duration>",
    "how long to try again while Teal can't be reached",
    duration,
    duration("2m"),
  )
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .addHelpText(
    "after",
    [
      "",
      "A SERVICE stands for the deployment that acts on it, else the one that keeps its old task set, else its newest.",
      "",
      "Exit codes: 0 success (deploy: green is PRIMARY), 1 failed or rolled back, 2 wrong usage or request,",
      "3 refused (not allowed, busy, or it does not fit), 4 Teal is unavailable, 5 waited too long.",
    ].join("\n"),
  );

ordering("deploy", "deploy a service and wait until green is PRIMARY or will never be")
  .option("--no-wait", "return as soon as it is accepted")
  .option("--follow", "wait until nothing more happens, the retention of blue included")
  .option("--idempotency-key <key>", "the same key never starts a second deployment, such as the build's id")
  .option("--dry-run", "show what it would do, as `teal plan` does, and do none of it")
  .action((service: string, options: DeployOptions) => run((session) => deploy(session, service, options)));

ordering("plan", "show what a deployment would do, and whether it would be refused").action(
  (service: string, options: OrderOptions) => run((session) => plan(session, bodyOf(service, options))),
);

/** A command that says what is to be deployed. */
function ordering(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument("<service>")
    .option("-t, --task-definition <name>", "family, family:revision or ARN")
    .option("-i, --image <container=image>", "a new image of a container; may be repeated", collect, [])
    .option("-s, --strategy <name>", "instead of the service's own")
    .option("-r, --reason <text>", "for the history")
    .addOption(
      new Option(
        "--when-busy <how>",
        "while another deployment acts: wait in line, wait in place of others, or refuse",
      )
        .choices(["queue", "supersede", "reject"])
        .conflicts("queue"),
    )
    .option("--queue", "the same as --when-busy queue")
    .option(
      "--build <number>",
      "grows from build to build; one older than the last accepted is refused",
      whole,
    )
    .option(
      "--committed-at <moment>",
      "instead of --build: when it was committed, as of `git show -s --format=%cI`",
    )
    .option("--force", "accept an older build too");
}

program
  .command("status")
  .description("show a deployment, or all that are under way")
  .argument("[id|service]")
  .action((what?: string) => run((session) => status(session, what)));

program
  .command("watch")
  .description("keep up with a deployment until nothing more happens")
  .argument("<id|service>")
  .action((what: string) => run((session) => watch(session, what)));

program
  .command("list")
  .description("list deployments, newest first")
  .argument("[service]")
  .option("--phase <phases>", "only these, with commas between")
  .option("--limit <number>", "at most so many, up to 100", "20")
  .action((service: string | undefined, options: { phase?: string; limit: string }) =>
    run((session) => list(session, service, options)),
  );

program
  .command("events")
  .description("print the history of a deployment")
  .argument("<id|service>")
  .option("-f, --follow", "go on with what comes")
  .action((what: string, options: { follow?: boolean }) => run((session) => events(session, what, options)));

program
  .command("recover")
  .description("show task sets that no record answers for, or say what becomes of one")
  .argument("[service]")
  .option("--deployment <id>", "the one whose task set it is, as shown")
  .option("--forward", "go on until green serves and blue is gone")
  .option("--back", "put everything back as it was before")
  .option("--remove", "take away a task set that replaces nothing any more")
  .option("-s, --strategy <name>", "for what is left of the way forward, instead of the service's own")
  .option("--no-wait", "return as soon as it is accepted")
  .action((service: string | undefined, options: RecoverOptions) =>
    run((session) => recover(session, service, options)),
  );

program
  .command("validate")
  .description("check a teal.yaml without Teal, and show what it comes to")
  .argument("[file]", "its path, or - for the standard input", process.env["TEAL_CONFIG"] || "teal.yaml")
  .action((file: string) =>
    run(async (session) => {
      // Loaded only here: no other command needs the language.
      const { validate } = await import("./validate.ts");
      return validate(session, file);
    }),
  );

program
  .command("policy")
  .description(
    "print the least IAM policy for a teal.yaml, without Teal: what Teal and each role it assumes need",
  )
  .argument("[file]", "its path, or - for the standard input", process.env["TEAL_CONFIG"] || "teal.yaml")
  .option("--principal <arn>", "Teal's own role or user, which the other accounts' roles are to trust")
  .option("--task-role <arn...>", "the roles of the tasks; left out, any role that may be passed to tasks")
  .action((file: string, options: { principal?: string; taskRole?: string[] }) =>
    run(async (session) => {
      const { policy } = await import("./policy.ts");
      return policy(session, file, options);
    }),
  );

program
  .command("login")
  .description("keep a token, read from the terminal or the standard input, for the commands that follow")
  .action(() => run((session, url) => login(session, url, process.env)));

program
  .command("logout")
  .description("forget the token that is kept here")
  .action(() => run(async (session) => logout(session, process.env)));

program
  .command("whoami")
  .description("show who you are to Teal, and what you may")
  .action(() => run(whoami));

const token = program.command("token").description("make, list and revoke tokens");

token
  .command("create")
  .description("make a token and print it, this once")
  .argument("<name>", "whose it is, in the history")
  .addOption(new Option("--role <role>", "what it may").choices(roleNames).makeOptionMandatory())
  .requiredOption("--service <name>", "for which service; may be repeated; * for any characters", collect)
  .option("--action <action>", "only this of what the role may; may be repeated", collect, [])
  .option("--days <number>", "how long it is valid, up to 1000", "90")
  .option("--ci", "it is a machine's")
  .action((name: string, options: TokenOptions) => run((session) => createToken(session, name, options)));

token
  .command("list")
  .description("list the tokens: whose, what they may, when they end")
  .action(() => run(listTokens));

token
  .command("revoke")
  .description("end a token at once")
  .argument("<id>")
  .action((id: string) => run((session) => revokeToken(session, id)));

program
  .command("audit")
  .description("show who asked for what and what was changed in AWS, newest first")
  .argument("[service]")
  .option("--actor <name>", "only what this one asked for")
  .addOption(new Option("--kind <kind>", "only these").choices(["deployment", "command", "call"]))
  .option("--deployment <id>", "only of this one")
  .option("--since <moment>", "such as 24h (ago), 7d or 2026-06-02T09:00:00Z")
  .option("--until <moment>", "before that")
  .option("--limit <number>", "at most so many, or all", "50")
  .action((service: string | undefined, options: AuditOptions) =>
    run((session) => audit(session, service, options)),
  );

program
  .command("queue")
  .description("show who acts on a service, who waits for it, and when it is closed")
  .argument("[service]")
  .action((service?: string) => run((session) => queue(session, service)));

program
  .command("schedules")
  .description("show what is asked of services at recurring times, and when next")
  .action(() => run(schedules));

program
  .command("cancel")
  .description("call off a deployment that waits")
  .argument("<id|service>")
  .option("-r, --reason <text>", "for the history")
  .action((what: string, options: { reason?: string }) => run((session) => cancel(session, what, options)));

program
  .command("deliveries")
  .description("show what came to the webhooks, newest first, or one in full")
  .argument("[id]")
  .option("--webhook <name>", "only what this one looked at")
  .option("--service <name>", "only what concerns this one")
  .addOption(new Option("--source <source>", "only from there").choices(deliverySources))
  .addOption(new Option("--outcome <outcome>", "only what had this one").choices(deliveryOutcomes))
  .option("--limit <number>", "at most so many, up to 100", "20")
  .action((id: string | undefined, options: DeliveriesOptions) =>
    run((session) => deliveries(session, id, options)),
  );

program
  .command("redeliver")
  .description("have a delivery carried out again, by teal.yaml as it is now")
  .argument("<id>")
  .option("--again", "also where it started a deployment already")
  .action((id: string, options: { again?: boolean }) => run((session) => redeliver(session, id, options)));

const commands: Record<CommandName, string> = {
  rollback: "go back to what was before; of a finished one, deploy the earlier revision",
  abort: "the same as rollback",
  pause: "stand still",
  resume: "go on after a pause, or with what others changed",
  promote: "end the wait and go on to the next step",
  approve: "let it pass the approval that it waits for",
  skip: "let it pass the gate that it stands at",
  override: "go on although a window or a freeze is closed",
  retry: "try again at once what is stuck",
  release: "give up what is stuck, and list what is left",
};
for (const name of commandNames) {
  const added = program.command(name).description(commands[name]).argument("<id|service>");
  if (name === "approve" || name === "skip") {
    added.argument("[gate]", "refused where it stands at another one");
  }
  if (name === "override") added.requiredOption("-r, --reason <text>", "why, for the history");
  else added.option("-r, --reason <text>", "for the history");
  if (name === "rollback")
    added.option("--to <deployment>", "to what an earlier one brought, whatever came since");
  if (name === "promote") {
    added
      .option("--full", "all the way to 100 %")
      .option("--at <moment>", `later: ${momentForms}`)
      .option("--timezone <name>", "of --at, such as Europe/Berlin; here by default")
      .option("--if-healthy", "only where green and its checks are well then");
  }
  added.action((what: string, ...rest: unknown[]) => {
    const [gate] = rest.filter((argument) => typeof argument === "string");
    return run((session) => command(session, name, what, added.opts<CommandOptions>(), gate));
  });
}

async function run(act: (session: Session, url: string) => Promise<ExitCode>): Promise<void> {
  const { json, timeout, patience, ...given } = program.opts<Global>();
  const { url, token } = addressed(given, keptLogin(process.env));
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeout);
  try {
    const session: Session = {
      client: createClient({ url, token, actor: actorName() }),
      terminal,
      json: json === true,
      patienceMs: patience,
      signal: AbortSignal.any([interrupt.signal, limit.signal]),
      onTrouble: ({ message }) =>
        process.stderr.write(`${terminal.colors.dim(`${message}; trying again`)}\n`),
    };
    exitCode = await act(session, url);
  } catch (error) {
    if (interrupt.signal.aborted) {
      throw new Failure(exitCodes.interrupted, "Interrupted; a deployment that was accepted goes on", {
        fix: "Look at it with `teal status`.",
      });
    }
    if (limit.signal.aborted) {
      throw new Failure(exitCodes.timeout, `It goes on for longer than ${ms(timeout)}`, {
        fix: "It goes on without you; look at it with `teal status`.",
      });
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What is given comes before what is kept; a token that is kept is for its own address alone. */
function addressed({ url, token }: Pick<Global, "url" | "token">, kept: Login | undefined) {
  const to = url ?? kept?.url ?? urlUsual;
  return { url: to, token: token ?? (kept?.url === to ? kept.token : undefined) };
}

/** The name in the history: who is logged in here, as far as a header can carry it. */
function actorName(): string | undefined {
  try {
    return (
      userInfo()
        .username.replaceAll(/[^\x20-\x7e]/g, "?")
        .slice(0, 64) || undefined
    );
  } catch {
    return undefined;
  }
}

function duration(text: string): number {
  const value = isDuration(text) ? ms(text) : 0;
  // Longer ones would overflow a timer.
  if (value < 1_000 || value > 20 * 86_400_000) {
    throw new InvalidArgumentError("Write it like 30s, 10m, 24h or 7d, at most 20d.");
  }
  return value;
}

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("Write a whole number.");
  return value;
}

function isDuration(text: string): text is StringValue {
  return /^\d{1,6}(s|m|h|d)$/.test(text);
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

async function main(): Promise<void> {
  process.once("SIGINT", () => interrupt.abort());
  // A reader that has seen enough (`teal list | head`) is no error.
  process.stdout.on("error", () => process.exit(exitCode));
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError)
      exitCode = error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
    else if (error instanceof Failure) {
      exitCode = error.exitCode;
      const asJson = program.opts<Global>().json === true && error.body;
      process.stderr.write(
        `${asJson ? JSON.stringify(error.body) : describeFailure(error, terminal.colors)}\n`,
      );
    } else {
      exitCode = exitCodes.failed;
      const message = error instanceof Error ? error.message : String(error);
      process.stderr.write(
        `teal: ${message}\n  → This is a defect of the command; please tell the maintainers.\n`,
      );
    }
  }
  process.exitCode = exitCode;
}

await main();
