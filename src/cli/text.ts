/** Small pieces of text for a terminal. */
import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

/** Without control characters: what others wrote must not steer the reader's terminal. */
export function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
}

/** The same, and with `web:42` for the ARN of a revision, as people call it. */
export function plain(text: string): string {
  return clean(text).replaceAll(/\barn:[\w-]+:ecs:\S*?:task-definition\/([\w-]+:\d+)/g, "$1");
}

/** `2026-06-02 09:00 UTC` */
export function shortMoment(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

/** Cut to a width, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** `4m 12s`, `2h 05m`, `3d 4h`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ] as const;
  if (d > 0) return `${d}d ${h}h`;
  if (h > 0) return `${h}h ${two(m)}m`;
  return m > 0 ? `${m}m ${two(s)}s` : `${s}s`;
}

/** A length as a strategy states it: `5m`, `1d`; like `lasting` where it is no round one. */
export function length(ms: number): string {
  return lasting(ms).replace(/ 0+[hms]$/, "");
}

/** Whole words on lines of at most `width`; a longer word stays whole on its own line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Rows of cells as lines with the cells below each other. */
export function columnsOf(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(0, ...rows.map((row) => (row[column] ?? "").length));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .filter((cell) => cell !== "")
      .join("  ")
      .trimEnd(),
  );
}

/** A bar of `width` characters, filled by percent; never quite full before 100. */
export function bar(percent: number, width: number): { full: string; rest: string } {
  const filled = percent >= 100 ? width : Math.min(width - 1, Math.round((percent / 100) * width));
  return { full: "█".repeat(Math.max(0, filled)), rest: "░".repeat(width - Math.max(0, filled)) };
}

/** The time of day here. */
export function clockTime(iso: string): string {
  return new Date(iso).toLocaleTimeString("en-GB", { hour12: false });
}

/** `web:42` of an ARN; anything else as it is. */
export function shortName(arn: string): string {
  return /:task-definition\/(.+)$/.exec(arn)?.[1] ?? arn;
}

/** `listener app/web`, `rule 9683…` of an ARN. */
export function shortRoute(kind: string, arn: string): string {
  const path = arn.split(/:listener(?:-rule)?\//)[1]?.split("/") ?? [arn];
  const balancer = path[1] ?? path[0] ?? "";
  return kind === "rule" ? `rule ${balancer} …${(path.at(-1) ?? "").slice(-6)}` : `listener ${balancer}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
