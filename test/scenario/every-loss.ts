/**
 * Every pair of moments of every course, Redis put back from the later to the earlier one, with either wish: some two
 * thousand dramas, minutes of work. `npm run build && node dist/test/scenario/every-loss.js [share] [shares]` plays
 * all, or one of so many shares of them.
 */
import { courses, Drama, loseAndCare } from "./losing-redis.ts";

const [share = 0, shares = 1] = process.argv.slice(2).map(Number);
let count = 0;
let wrong = 0;

for (const course of courses) {
  const outline = new Drama();
  await outline.play(course);
  const label = (n: number) => `${n} ${outline.moments[n]?.label}`;
  for (let n = 1; n < outline.moments.length; n++) {
    for (let earlier = 0; earlier < n; earlier++) {
      for (const wish of ["forward", "back"] as const) {
        count += 1;
        if (count % shares !== share) continue;
        const found = await loseAndCare(course, n, earlier, wish).catch((error: unknown) => [String(error)]);
        if (found.length === 0) continue;
        wrong += 1;
        console.error(
          `${course}, at ${label(n)}, back to ${label(earlier)}, wishing ${wish}: ${found.join("\n")}`,
        );
      }
    }
  }
}
console.info(`${count} dramas in ${shares} shares; this one found ${wrong} wrong`);
process.exitCode = wrong > 0 ? 1 : 0;
