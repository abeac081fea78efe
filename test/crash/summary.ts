/** What a run of the matrix came to, as a table: a row for each course and moment, and one for all. */
import type { CellResult } from "./matrix.ts";
import { moments, readPoint } from "./points.ts";

const columns = ["", "points", "repetitions", "crashes", "deviations", "gap p50", "gap p99"];

export function summary(results: readonly CellResult[]): string {
  const courses = [...new Set(results.map(({ course }) => course))];
  const rows = courses.flatMap((course) =>
    moments.map((moment) =>
      row(
        `${course}, ${moment}`,
        results.filter((one) => one.course === course && readPoint(one.point).moment === moment),
      ),
    ),
  );
  const all = [columns, ...rows, row("all", results)];
  const widths = columns.map((_, i) => Math.max(...all.map((cells) => cells[i]?.length ?? 0)));
  return all
    .map((cells) =>
      cells
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

function row(name: string, results: readonly CellResult[]): string[] {
  const points = new Set(results.map(({ course, point }) => `${course} ${point}`)).size;
  const deviations = results.filter(({ deviation }) => deviation !== undefined).length;
  const gaps = results
    .map(({ gapMs }) => gapMs)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const quantile = (share: number): string => {
    const gap = gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))];
    return gap === undefined ? "-" : `${(gap / 1000).toFixed(1)} s`;
  };
  const repetitions = points === 0 ? 0 : results.length / points;
  const numbers = [points, repetitions, results.length, deviations].map(String);
  return [name, ...numbers, quantile(0.5), quantile(0.99)];
}
