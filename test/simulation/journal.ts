/** What is told of a run: all that happened, what was broken, how often what puts promises to the test came up. */
import { createHash } from "node:crypto";
import type { Clock } from "../../sandbox/clock.ts";
import { noOccasions } from "./occasions.ts";

export class Journal {
  /** A line for each thing that happened, with the seconds since the start. */
  readonly lines: string[] = [];
  /** In words that begin with the promise's number. */
  readonly violations: string[] = [];
  readonly tally = noOccasions();
  private readonly clock: Clock;
  private readonly startedAt: number;

  /** It starts now. */
  constructor(clock: Clock) {
    this.clock = clock;
    this.startedAt = clock.now();
  }

  note(line: string): void {
    this.lines.push(`${((this.clock.now() - this.startedAt) / 1000).toFixed(3)} ${line}`);
  }

  /** Equal for equal histories. */
  digest(): string {
    return createHash("sha256").update(this.lines.join("\n")).digest("hex").slice(0, 16);
  }
}
