/** `teal validate`: what a teal.yaml comes to, or all that is wrong with it. Asks nobody, so it works anywhere. */
import { readFileSync } from "node:fs";
import { review, type Review, type ReviewedStep } from "../config/review.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import type { Terminal } from "./terminal.ts";
import { clean } from "./text.ts";

/** @param file its path; `-` is the standard input */
export function validate({ terminal, json }: { terminal: Terminal; json: boolean }, file: string): ExitCode {
  const found = review(readFile(file), file, Date.now());
  if (json) terminal.json(found);
  else if (found.problems.length > 0) {
    for (const { path, message } of found.problems) terminal.out(`${path} ${clean(message)}`);
  } else for (const line of draw(found, terminal)) terminal.out(line);
  return found.problems.length > 0 ? exitCodes.failed : exitCodes.success;
}

/** Throws Failure. */
export function readFile(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new Failure(exitCodes.usage, `${file} can't be read (${code})`, {
      fix: "Give the path of a teal.yaml, or - for the standard input.",
    });
  }
}

function draw(found: Review, { colors: c }: Pick<Terminal, "colors">): string[] {
  const { services, strategies, checks, freezes, schedules, access, webhooks, needs, apiNeeds } = found;
  const counts = [
    counted(services.length, "service", "services"),
    counted(strategies.length, "strategy", "strategies"),
    counted(checks.length, "check", "checks"),
    counted(freezes.length, "freeze", "freezes"),
    counted(schedules.length, "schedule", "schedules"),
    counted(webhooks.length, "webhook", "webhooks"),
  ];
  const lines = [`${c.green("✓")} ${found.file}: ${counts.join(", ")}`];
  for (const service of services) {
    const { name, region, account, cluster, strategy, whenBusy, windows, closed, without } = service;
    const where = account === undefined ? region : `${region} of account ${account}`;
    lines.push("", `${c.bold(name)}  ${cluster}/${service.service} in ${where}`);
    const routes = [counted(service.routes, "route", "routes")];
    if (service.testRoutes > 0) routes.push(counted(service.testRoutes, "test route", "test routes"));
    lines.push(`  strategy ${strategy}; ${routes.join(", ")}; while another acts: ${whenBusy}`);
    if (windows.length > 0) lines.push(`  open ${windows.join(", ")}${closed ? "" : ": now"}`);
    if (closed) lines.push(c.yellow(`  closed until ${minute(closed.until)}: ${clean(closed.reason)}`));
    if (without.length > 0) lines.push(c.dim(`  without ${without.join(", ")}, having no routes`));
  }
  for (const { name, preset, before, testing, steps, analysis, surroundings } of strategies) {
    lines.push("", `${c.bold(name)}${preset ? c.dim("  a preset") : ""}`);
    lines.push(...part("before green is created", before), ...part("before production traffic", testing));
    lines.push(...part("steps", steps));
    lines.push(
      `  in the background: ${analysis.join(", ") || "nothing"}`,
      c.dim(`  ${surroundings.join(", ")}`),
    );
  }
  if (freezes.length + schedules.length + access.length + webhooks.length + needs.length > 0) lines.push("");
  for (const { id, from, to, reason, services: some } of freezes) {
    lines.push(
      `freeze ${c.bold(id)}  ${minute(from)} to ${minute(to)}: ${clean(reason)} (${some?.join(", ") ?? "all services"})`,
    );
  }
  for (const { name, service, what, cron, timezone, next } of schedules) {
    lines.push(`schedule ${c.bold(name)}  ${cron} ${timezone}: ${service}: ${what}; next ${minute(next)}`);
  }
  for (const { issuer, audiences, when, role, services: some } of access) {
    lines.push(
      `access ${c.bold(role)} of ${some.join(", ")}  by ${clean(issuer)}, for ${clean(audiences.join(" or "))}`,
      c.dim(`  ${clean(when.join("; "))}`),
    );
  }
  for (const { name, from, on, service, when } of webhooks) {
    const event = on === undefined ? from : `${from} ${on}`;
    lines.push(
      `webhook ${c.bold(name)}  ${clean(event)}: ${clean(service)}`,
      c.dim(`  ${clean(when.join("; "))}`),
    );
  }
  if (apiNeeds.length > 0) lines.push(`the API needs ${apiNeeds.join(", ")}`);
  if (needs.length > 0) lines.push(`workers need ${needs.join(", ")}`);
  return lines;

  function part(title: string, list: readonly ReviewedStep[]): string[] {
    const told = list.map(({ id, what }) => `    ${clean(what)}${id === undefined ? "" : c.dim(` [${id}]`)}`);
    return list.length === 0 ? [] : [c.dim(`  ${title}:`), ...told];
  }
}

/** `2026-12-20 08:00 UTC` */
function minute(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}
