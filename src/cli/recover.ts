/** `teal recover`: shows task sets without a record, and takes one over as told. */
import type { RecoverBody, StrayList, StrayView } from "../api/contract.ts";
import { conclude } from "./deploy.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import type { Session } from "./session.ts";
import { clean, type Colors, shortRoute } from "./text.ts";

export interface RecoverOptions {
  deployment?: string;
  forward?: boolean;
  back?: boolean;
  remove?: boolean;
  strategy?: string;
  wait: boolean;
}

type Way = RecoverBody["way"];

export async function recover(
  session: Session,
  service: string | undefined,
  { deployment, strategy, wait, ...chosen }: RecoverOptions,
): Promise<ExitCode> {
  const ways = (["forward", "back", "remove"] as const).filter((way) => chosen[way]);
  const [way] = ways;
  if (way === undefined && deployment === undefined) return show(session, service);
  if (service === undefined || way === undefined || deployment === undefined || ways.length > 1) {
    throw new Failure(
      exitCodes.usage,
      "A service, --deployment and one of --forward, --back, --remove go together",
      {
        fix: "See what there is, with the commands to run, with `teal recover`.",
      },
    );
  }
  const body = { deployment, way, ...(strategy !== undefined && { strategy }) };
  const accepted = await session.client.recover(service, body, session);
  const back = way !== "forward";
  return conclude(session, accepted, { wait, toTheEnd: back, back });
}

async function show(session: Session, service: string | undefined): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const names =
    service === undefined ? (await client.services(session)).services.map(({ name }) => name) : [service];
  const lists: StrayList[] = [];
  for (const name of names) lists.push(await client.strays(name, session));
  if (json) {
    terminal.json(service === undefined ? lists : lists[0]);
    return exitCodes.success;
  }
  const found = lists.filter(({ strays }) => strays.length > 0);
  for (const list of found) for (const line of drawStrays(list, terminal.colors)) terminal.out(line);
  if (found.length === 0) {
    terminal.out(
      `Every task set of ${service ?? "all services"} that Teal made has its record. Nothing to recover.`,
    );
  }
  return exitCodes.success;
}

const stateWords: Record<StrayView["state"], string> = {
  "under-way": "under way: what it replaces is PRIMARY still",
  promoted: "PRIMARY already; what it replaced is still there",
  orphan: "left over: another task set is PRIMARY than the one it was to replace",
};

const wayWords: Record<Way, string> = {
  forward: "go on until green serves and blue is gone",
  back: "put everything back as it was before",
  remove: "take this task set away",
};

/** What no record answers for, and the commands that say what becomes of it. Pure. */
export function drawStrays({ service, strays }: StrayList, c: Colors): string[] {
  const [count, them] = strays.length === 1 ? ["one task set", "it"] : [`${strays.length} task sets`, "them"];
  return [
    `${c.bold(service)}: no record answers for ${count}. Nothing moves until you say what becomes of ${them}.`,
    "",
    ...strays.flatMap((stray) => [...drawStray(service, stray, c), ""]),
  ];
}

function drawStray(service: string, stray: StrayView, c: Colors): string[] {
  const id = clean(stray.deployment);
  const line = (label: string, text: string) => `  ${c.dim(label.padEnd(10))}${text}`;
  const width = Math.max(...stray.routes.map(({ arn }) => routeName(arn).length), 0);
  return [
    c.bold(id),
    line(
      "state",
      stateWords[stray.state] + (stray.rollingBack ? c.yellow("; it was being rolled back") : ""),
    ),
    line("green", sizes(stray.set)),
    ...(stray.blue ? [line("blue", sizes(stray.blue))] : []),
    ...stray.routes.map(({ arn, now, before }, n) =>
      line(
        n === 0 ? "weights" : "",
        `${routeName(arn).padEnd(width)}  blue:green ${weights(now)}, before ${weights(before)}`,
      ),
    ),
    ...stray.ways.map((way) =>
      line(
        way,
        `${wayWords[way]}\n${" ".repeat(12)}${c.cyan(`teal recover ${service} --deployment ${id} --${way}`)}`,
      ),
    ),
  ];
}

function sizes({ id, status, scalePercent, running }: StrayView["set"]): string {
  return `${clean(id)}  ${status}  scale ${scalePercent} %  ${running} ${running === 1 ? "task" : "tasks"}`;
}

function weights(pair: { blue: number; green: number } | undefined): string {
  return pair ? `${pair.blue}:${pair.green}` : "not of the pair";
}

function routeName(arn: string): string {
  return shortRoute(arn.includes(":listener-rule/") ? "rule" : "listener", arn);
}
