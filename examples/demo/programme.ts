/** The result of the demo, for people. */
import Table from "cli-table3";
import type { Result } from "./demo.ts";
import { brief, type Colors } from "./story.ts";

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const percent = (value: number) => `${value.toFixed(value === 0 || value === 100 ? 0 : 1)} %`;
const count = (value: number) => value.toLocaleString("en-US");

export function describe(result: Result, c: Colors): string {
  const mark = (ok: boolean) => (ok ? c.green("✓") : c.red("✗"));
  return [
    heading("Requests", c),
    table(
      ["", "requests", "failed"],
      [
        ...Object.entries(result.versions).map(([version, n]) => [
          `answered by version ${version}`,
          count(n),
          "0",
        ]),
        ...Object.entries(result.failures).map(([why, n]) => [c.red(why), count(n), c.red(count(n))]),
        [c.bold("all"), c.bold(count(result.requests)), c.bold(count(result.failed))],
      ],
      c,
    ),
    c.dim(`  The slowest answer took ${count(result.slowestMs)} ms.`),
    heading("Shares: asked, observed, and what chance leaves but once in a million", c),
    table(
      ["version", "asked", "observed", "allowed", "requests", "measured for", ""],
      result.shares.flatMap(({ versions, requests, lastedMs }) =>
        shown(versions).map((one) => [
          one.version,
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
      result.deployments.map(({ version, phase, tookMs, leastMs }) => [
        version,
        phase.replace("_", " "),
        seconds(tookMs),
        seconds(leastMs),
      ]),
      c,
    ),
    ...result.deployments.map(({ version, least, note }) =>
      c.dim(
        [`  ${version} at least: ${least.map(({ what, ms }) => `${what} ${seconds(ms)}`).join(", ")}`]
          .concat(note === undefined ? [] : `    ${note}`)
          .join("\n"),
      ),
    ),
    heading("AWS calls", c),
    table(
      ["action", "calls"],
      Object.entries(result.calls)
        .sort(([, a], [, b]) => b - a)
        .map(([action, n]) => [action.replace("elasticloadbalancing", "elbv2"), count(n)]),
      c,
    ),
    heading("Verdict", c),
    ...result.checks.map(({ what, ok, detail }) => `  ${mark(ok)} ${what}${c.dim(`  ${brief(detail)}`)}`),
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
