/** A worker, whole: it builds, consumes, and hands over when told to stop. */
import { build, type Instead, type Teal } from "../src/build.ts";
import type { Config } from "../src/config/config.ts";
import { consumeDeployments } from "./deployments.ts";
import { serveHealth } from "./health.ts";
import { placeOf } from "./place.ts";
import { startReports } from "./reports.ts";
import { startSchedules } from "./schedules.ts";
import { startStrays } from "./strays.ts";
import { startSweep } from "./sweep.ts";

/** Runs until SIGTERM or SIGINT and then ends the process; throws what keeps it from starting. */
export async function runWorker(config: Config, instead: Instead = {}): Promise<never> {
  const teal = await build(config, "worker", instead);
  const { engine, records, wakes, clock, log, troubleLog, ping } = teal;
  const { healthPort, concurrency, lockMs, stalledMs, sweepMs, straysMs } = config.worker;
  const jobs = {
    connection: teal.connectJobs(),
    prefix: config.redis.keyPrefix,
    records,
    wakes,
    clock,
    lockMs,
    stalledMs,
  };

  const deployments = consumeDeployments({ ...jobs, engine, concurrency, log: troubleLog });
  const sweep = startSweep({ ...jobs, everyMs: sweepMs, log: troubleLog });
  const targets = () => Object.values(teal.config.current().services).map(({ target }) => target);
  const strays =
    straysMs > 0
      ? startStrays({ ...jobs, ...teal, targets, everyMs: straysMs, tell: log, log: troubleLog })
      : undefined;
  const reports =
    teal.github &&
    startReports({
      ...jobs,
      book: teal.reportBook,
      github: teal.github,
      place: (d) => placeOf(d, teal.config.current().services[d.service]?.github),
      log: troubleLog,
    });
  const schedules = startSchedules({
    ...jobs,
    engine,
    schedules: () => Object.values(teal.config.current().schedules),
    services: () => teal.config.current().services,
    tell: log,
    log: troubleLog,
  });
  const { lastTurnAt } = deployments;
  const health = await serveHealth({ records, clock, lastTurnAt, ping }, healthPort);
  const address = health.address();
  const listening = typeof address === "object" && address ? address.port : healthPort;
  // Before it says that it started: whoever reads that may signal at once.
  process.on("SIGHUP", () => void teal.config.reload());
  log.info({ concurrency, lockMs, stalledMs, sweepMs, healthPort: listening }, "worker started");

  const signal = await stopSignal();
  log.info({ signal }, "worker stops: hands over what it runs");
  const forced = stopSignal().then(() => process.exit(1));
  void forced;
  await stop(teal, [
    () => deployments.stop(config.worker.stopMs),
    () => sweep.stop(),
    async () => strays?.stop(),
    () => schedules.stop(),
    async () => reports?.stop(),
  ]);
  health.close();
  log.info("worker stopped");
  process.exit(0);
}

/** A part that fails to stop must not keep the others from it. */
async function stop(teal: Teal, parts: (() => Promise<void>)[]): Promise<void> {
  for (const part of [...parts, () => teal.close()]) {
    await part().catch((error: unknown) =>
      teal.log.warn({ err: error }, "a part of the worker failed to stop"),
    );
  }
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}
