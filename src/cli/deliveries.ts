/** `teal deliveries` and `teal redeliver`: what came to the webhooks, what it led to, and having it done again. */
import { randomUUID } from "node:crypto";
import type { DeliveryDetail, DeliveryView, ResultView } from "../api/contract.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import type { Session } from "./session.ts";
import { clean, type Colors, columnsOf, cut, lasting, shortMoment } from "./text.ts";

export interface DeliveriesOptions {
  webhook?: string;
  service?: string;
  source?: string;
  outcome?: string;
  limit: string;
}

/** One in full; without an id the newest. */
export async function deliveries(
  session: Session,
  id: string | undefined,
  options: DeliveriesOptions,
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const { colors, size } = { ...terminal, size: terminal.size() };
  if (id !== undefined) {
    const delivery = await client.delivery(id, session);
    if (json) terminal.json(delivery);
    else for (const line of drawDelivery(delivery, colors)) terminal.out(line);
    return exitCodes.success;
  }
  const page = await client.deliveries({ ...options }, session);
  if (json) terminal.json(page);
  else if (page.deliveries.length === 0) terminal.out("No deliveries.");
  else
    for (const line of drawDeliveries(page.deliveries, Date.now(), size.columns, colors)) terminal.out(line);
  return exitCodes.success;
}

/** Ends with success where it started or woke something. */
export async function redeliver(
  session: Session,
  id: string,
  { again = false }: { again?: boolean },
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const delivery = await client.redeliver(id, { again }, randomUUID(), session);
  if (json) terminal.json(delivery);
  else for (const line of drawDelivery(delivery, terminal.colors)) terminal.out(line);
  const has = (outcome: ResultView["outcome"]) => delivery.results.some((one) => one.outcome === outcome);
  if (has("refused")) return exitCodes.refused;
  return has("started") || has("woke") ? exitCodes.success : exitCodes.failed;
}

/** A line for each. Pure. */
export function drawDeliveries(
  list: readonly DeliveryView[],
  now: number,
  columns: number,
  c: Colors,
): string[] {
  const rows = list.map(({ id, source, event, receivedAt, redelivers, results }) => [
    id,
    lasting(now - Date.parse(receivedAt)),
    results.map((result) => clean(inShort(result))).join("; "),
    clean(`${source}${event === undefined ? "" : ` ${event}`}${redelivers === undefined ? "" : " (again)"}`),
  ]);
  const [head = "", ...lines] = columnsOf([["delivery", "ago", "led to", "from"], ...rows]);
  return [c.dim(head), ...lines].map((line) => cut(line, columns - 1));
}

/** Pure. */
export function drawDelivery(delivery: DeliveryView | DeliveryDetail, c: Colors): string[] {
  const { id, source, event, sentAs, sentAt, receivedAt, bytes, redeliverable, redelivers, by } = delivery;
  const line = (label: string, text: string) => `  ${c.dim(label.padEnd(10))}${clean(text)}`;
  const came = redelivers === undefined ? shortMoment(receivedAt) : `${shortMoment(receivedAt)}, again`;
  return [
    c.bold(id),
    line("from", event === undefined ? source : `${source} ${event}`),
    ...(sentAs === undefined ? [] : [line("sent as", sentAs)]),
    line("came", `${came}; it says ${shortMoment(sentAt)}`),
    ...(redelivers === undefined
      ? []
      : [line("repeats", `${redelivers}, asked by ${by?.name ?? "somebody"}`)]),
    line("payload", `${bytes} bytes${redeliverable ? "" : ", too large to be kept"}`),
    ...delivery.results.flatMap((result) => drawResult(result, c)),
  ];
}

function drawResult(result: ResultView, c: Colors): string[] {
  const text = `  ${marks[result.outcome](c)} ${clean(inFull(result))}`;
  return result.outcome === "refused" ? [text, `    ${c.dim("→")} ${clean(result.fix)}`] : [text];
}

const marks: Record<ResultView["outcome"], (c: Colors) => string> = {
  started: (c) => c.green("✓"),
  woke: (c) => c.green("✓"),
  ignored: (c) => c.dim("·"),
  refused: (c) => c.red("✗"),
};

function inShort(result: ResultView): string {
  switch (result.outcome) {
    case "started":
      return result.deployment;
    case "woke":
      return `woke ${result.deployments.join(", ")}`;
    case "ignored":
      return `${named(result)}ignored`;
    case "refused":
      return `${named(result)}refused (${result.code})`;
  }
}

function inFull(result: ResultView): string {
  switch (result.outcome) {
    case "started":
      return result.before
        ? `${named(result)}had started ${result.deployment} already`
        : `${named(result)}started ${result.deployment}`;
    case "ignored":
      return `${named(result)}ignored: ${result.why}`;
    case "refused":
      return `${named(result)}refused (${result.code}): ${result.message}`;
    case "woke":
      return inShort(result);
  }
}

function named({ webhook }: { webhook?: string }): string {
  return webhook === undefined ? "" : `${webhook}: `;
}
