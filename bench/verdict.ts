/** `make verdict`: prints the tables of docs/verdict.md. From one seed; it needs no Redis. */
import { parseArgs } from "node:util";
import { falseAlarms, found, full, inTime, markdown } from "./verdict/tables.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(full.seed) },
    alpha: { type: "string", default: String(full.alpha) },
  },
});
const sizes = { ...full, seed: Number(values.seed), alpha: Number(values.alpha) };

process.stdout.write(`${markdown(falseAlarms(sizes), found(sizes), inTime(sizes))}\n`);
