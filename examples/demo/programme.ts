/** The result of the demo, for people. */
import Table from "cli-table3";
import type { Result } from "./judge.ts";
import { brief, type Colors, width, wrapped } from "./story.ts";

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const percent = (value: number) => `${value.toFixed(value === 0 || value === 100 ? 0 : 1)} %`;
const count = (value: number) => value.toLocaleString("en-US");

export function describe(result: Result, c: Colors): string {
  const errors = result.services
    .flatMap(({ versions }) => Object.values(versions))
    .reduce((sum, version) => sum + version.errors, 0);
  const mark = (ok: boolean) => (ok ? c.green("✓") : c.red("✗"));
  return [
    heading("Requests", c),
    table(
      ["answered by", "requests", "errors of its own", "lost"],
      [
        ...result.services.flatMap(({ service, versions, losses }) => [
          ...Object.entries(versions).map(([version, { answers, errors }]) => [
            `${service} ${version}`,
            count(answers),
            errors > 0 ? c.yellow(count(errors)) : "0",
            "0",
          ]),
          ...Object.entries(losses).map(([why, n]) => [
            c.red(`nobody in ${service}: ${why}`),
            count(n),
            "",
            c.red(count(n)),
          ]),
        ]),
        [c.bold("all"), c.bold(count(result.requests)), c.bold(count(errors)), c.bold(count(result.lost))],
      ],
      c,
    ),
    c.dim(`  The slowest answer took ${count(result.slowestMs)} ms.`),
    heading("Shares: asked, observed, and what chance leaves but once in a million", c),
    table(
      ["version", "asked", "observed", "allowed", "requests", "measured for", ""],
      result.shares.flatMap(({ service, versions, requests, lastedMs }) =>
        shown(versions).map((one) => [
          `${service} ${one.version}`,
          percent(one.askedPercent),
          percent(one.percent),
          one.least === one.most ? percent(one.least) : `${percent(one.least)} – ${percent(one.most)}`,
          count(requests),
          seconds(lastedMs),
          mark(one.ok),
        ]),
      ),
      c,
    ),
    heading(
      "Time: from the request to the end, and the least that AWS's own waits and the strategy's allow",
      c,
    ),
    table(
      ["version", "ended", "took", "least"],
      result.deployments.map(({ service, version, phase, tookMs, leastMs }) => [
        `${service} ${version}`,
        phase.replace("_", " "),
        seconds(tookMs),
        seconds(leastMs),
      ]),
      c,
    ),
    ...result.deployments.map(({ service, version, least, note }) => {
      const parts = least.map(({ what, ms }) => `${what} ${seconds(ms)}`).join(", ");
      return c.dim(indented(2, `${service} ${version} at least: ${parts}${note ? `; ${note}` : ""}`));
    }),
    heading("AWS calls", c),
    table(
      ["action", "calls"],
      Object.entries(result.calls)
        .sort(([, a], [, b]) => b - a)
        .map(([action, n]) => [action.replace("elasticloadbalancing", "elbv2"), count(n)]),
      c,
    ),
    heading("Verdict", c),
    ...result.checks.map(({ what, ok, detail }) => {
      const found = brief(detail);
      const fits = 6 + what.length + found.length <= width;
      return `  ${mark(ok)} ${what}${fits ? c.dim(`  ${found}`) : `\n${c.dim(indented(6, found))}`}`;
    }),
    "",
    result.ok
      ? c.green(c.bold(`No request was lost. It took ${seconds(result.tookMs)}.`))
      : c.red(c.bold("Something is not as it must be; see above.")),
    "",
  ].join("\n");
}

/** Where two versions share the traffic, the newer one's share tells the other's; what is wrong is shown in full. */
function shown(versions: Result["shares"][number]["versions"]) {
  return versions.every(({ ok }) => ok) ? versions.slice(-1) : versions;
}

/** As many lines as it takes, the first one indented by `columns` and the others by two more. */
function indented(columns: number, text: string): string {
  return wrapped(text, width - columns - 2)
    .map((line, index) => `${" ".repeat(columns + (index > 0 ? 2 : 0))}${line}`)
    .join("\n");
}

function heading(text: string, c: Colors): string {
  return `\n${c.bold(text)}`;
}

/** Columns without lines; numbers, that is all but the first column, to the right. */
function table(head: string[], rows: string[][], c: Colors): string {
  const sides = ["top", "bottom", "left", "right", "mid"];
  const chars = Object.fromEntries(
    sides.flatMap((side) => ["", "-mid", "-left", "-right"].map((end) => [`${side}${end}`, ""])),
  );
  const drawn = new Table({
    chars: { ...chars, "mid-mid": "", middle: "  " },
    head: head.map((title) => c.dim(title)),
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  drawn.push(...rows);
  return drawn
    .toString()
    .split("\n")
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}
