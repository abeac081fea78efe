#!/usr/bin/env node
import { Command, InvalidArgumentError } from "commander";
import { startSandbox, type SandboxFacts } from "./sandbox.ts";
import { readWorld, WorldError } from "./world/file.ts";

interface StartFlags {
  world?: string;
  port: number;
  seed: number;
  freePorts?: true;
  json?: true;
}

const program = new Command("teal-sandbox").description(
  "A local AWS for rehearsing deployments: ECS, ELBv2 and CloudWatch behind one endpoint, a balancer that really shares requests, tasks that really answer.",
);
program
  .command("start")
  .description("start a sandbox; Ctrl-C ends it and everything in it")
  .option("--world <file>", "what there is at the start, as YAML; left out: an empty account")
  .option("--port <number>", "port of the AWS endpoint; 0 takes a free one", wholeNumber(65_535), 4566)
  .option("--seed <number>", "decides which request goes where", wholeNumber(4_294_967_295), 1)
  .option("--free-ports", "listen on free ports instead of the listeners' own")
  .option("--json", "print one line of JSON instead of text")
  .action(start);
await program.parseAsync();

async function start(flags: StartFlags): Promise<void> {
  const sandbox = await begin(flags);
  if (sandbox === undefined) return;
  let ending = false;
  const end = () => {
    // Asked twice: it can't wait.
    if (ending) process.exit(130);
    ending = true;
    void sandbox.close();
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  const { facts } = sandbox;
  // Last: whoever reads this may end it at once.
  console.log(flags.json === true ? JSON.stringify(facts) : welcome(facts));
}

/** Undefined when it can't start; the reason has been told and the exit code set. */
async function begin(flags: StartFlags) {
  try {
    return await startSandbox({
      ...(flags.world === undefined ? {} : { world: await readWorld(flags.world) }),
      port: flags.port,
      seed: flags.seed,
      listenerPorts: flags.freePorts === true ? "any" : "listener",
    });
  } catch (error) {
    process.exitCode = 1;
    if (!(error instanceof Error)) throw error;
    const code = "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      console.error(`Port ${flags.port} is taken. Choose another one with --port, or --port 0 for any.`);
    } else if (code === "ENOENT") console.error(`There is no world file ${flags.world ?? ""}.`);
    else
      console.error(
        error instanceof WorldError ? error.message : `The sandbox can't start: ${error.message}`,
      );
    return undefined;
  }
}

function welcome({ endpoint, region, listeners, arns }: SandboxFacts): string {
  const lines = [`AWS endpoint   ${endpoint}   (region ${region}, any credentials)`];
  for (const { name, port, url } of listeners) {
    const moved = url.endsWith(`:${port}`) ? "" : `   (listener port ${port})`;
    lines.push(`Listener       ${url}   ${name}${moved}`);
  }
  for (const { listeners: ofListeners, rules, targetGroups, roles } of [arns, ...arns.elsewhere]) {
    const named: [string, Record<string, string>][] = [
      ["Listener ARN", ofListeners],
      ["Rule ARN", rules],
      ["Target group", targetGroups],
      ["Role", roles],
    ];
    for (const [what, byName] of named) {
      for (const [name, arn] of Object.entries(byName)) {
        lines.push(`${what.padEnd(14)} ${name}   ${arn}`);
      }
    }
  }
  lines.push(
    "",
    "To look around, in another terminal:",
    `  export AWS_ENDPOINT_URL=${endpoint} AWS_DEFAULT_REGION=${region} AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox`,
  );
  const aws = `  aws --endpoint-url ${endpoint}`;
  for (const name of Object.keys(arns.services)) {
    const [cluster, service] = name.split("/");
    lines.push(`${aws} ecs describe-services --cluster ${cluster} --services ${service}`);
    lines.push(`${aws} ecs list-tasks --cluster ${cluster} --service-name ${service}`);
  }
  for (const arn of Object.values(arns.listeners)) {
    lines.push(`${aws} elbv2 describe-listeners --listener-arns ${arn}`);
  }
  for (const arn of Object.values(arns.targetGroups)) {
    lines.push(`${aws} elbv2 describe-target-health --target-group-arn ${arn}`);
  }
  for (const { url } of listeners) lines.push(`  curl -i ${url}/`);
  lines.push(`  curl -s ${endpoint}/_sandbox/traffic`, "", "Ctrl-C ends it.");
  return lines.join("\n");
}

function wholeNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from 0 to ${max}.`);
    }
    return value;
  };
}
