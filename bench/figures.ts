/** What measurements yield, and how it is shown: no figure without something beside it from the same run. */

export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** Measured or worked out in the same run, on the same machine, in the same unit. */
  beside?: { what: string; value: number };
}

export interface Measurement {
  name: string;
  /** The sizes it was taken with, for people. */
  how: string;
  figures: Figure[];
}

/** The value below which this share (0 to 1) of them lies; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** How many times as much as what stands beside it. */
export function ratio({ value, beside }: Figure): number | undefined {
  return beside && value / beside.value;
}

/** Two lines of head, one line for each figure; columns as wide as what is in them. */
export function table({ name, how, figures }: Measurement): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${show(figure.value)} ${figure.unit}`.trimEnd(),
    figure.beside ? `${figure.beside.what} ${show(figure.beside.value)}` : "",
    figure.beside ? `× ${(ratio(figure) ?? 0).toFixed(2)}` : "",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(([what = "", value = "", beside = "", times = ""]) =>
    [
      what.padEnd(widths[0] ?? 0),
      value.padStart(widths[1] ?? 0),
      beside.padEnd(widths[2] ?? 0),
      times.padStart(widths[3] ?? 0),
    ]
      .join("   ")
      .trimEnd(),
  );
  return [`${name}: ${how}`, ...lines.map((line) => `  ${line}`)].join("\n");
}

function show(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}
