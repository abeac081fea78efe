/**
 * `make bench`, `make bench ARGS="--only turns,wake --json"`, with `--long` in the sizes that take minutes: takes the
 * measurements on a Redis of its own and
 * prints each beside its baseline of the same run. What they mean is in docs/performance.md.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { localRedisVersion } from "../test/support/redis-server.ts";
import { startOwnRedis } from "../test/support/redis-source.ts";
import { type Measurement, ratio, table } from "./figures.ts";
import { measurements, type Name, names, type Size } from "./measurements.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: names.join() },
    json: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
  },
});
const size: Size = values.tiny ? "tiny" : values.long ? "long" : "full";
const limitMs = size === "long" ? 1_200_000 : 300_000;

const wanted = values.only.split(",").map((name): Name => {
  const known = names.find((one) => one === name);
  if (known) return known;
  process.stderr.write(`bench: there is no measurement "${name}"; there are ${names.join(", ")}\n`);
  process.exit(2);
});

const redis = await startOwnRedis({ appendOnly: true, settings: { appendfsync: "everysec" } });
const done: Measurement[] = [];
const limit = setTimeout(() => {
  const why = `not done after ${limitMs / 1000} s, given up; a busy machine is no place to measure`;
  process.stderr.write(`bench: ${why}\n`);
  void redis.close().finally(() => process.exit(1));
}, limitMs);
try {
  const machine = `${cpus().length} cores, Node ${process.version.slice(1)}, Redis ${localRedisVersion() ?? "of an image"}`;
  if (!values.json) process.stdout.write(`${machine}\n`);
  for (const name of wanted) {
    const measurement = await measurements[name](redis.url, size);
    done.push(measurement);
    if (!values.json) process.stdout.write(`\n${table(measurement)}\n`);
  }
  if (values.json) {
    const withRatios = done.map((one) => ({
      ...one,
      figures: one.figures.map((figure) => ({ ...figure, ratio: ratio(figure) })),
    }));
    process.stdout.write(`${JSON.stringify({ machine, measurements: withRatios }, undefined, 2)}\n`);
  }
} finally {
  clearTimeout(limit);
  await redis.close();
}
