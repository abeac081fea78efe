#!/usr/bin/env node
/** The API process: read the configuration, build, listen, and close when told to stop. */
import { buildApp } from "./api/app.ts";
import { makeFirstToken } from "./auth/first-token.ts";
import { requireProtection } from "./auth/protection.ts";
import { build } from "./build.ts";
import { loadConfig } from "./config/config.ts";
import { TealError } from "./errors.ts";

async function main(): Promise<void> {
  const config = loadConfig(process.env, { calls: false });
  requireProtection(config.http);
  const teal = await build(config, "api");
  const { log } = teal;
  const { token, insecure, adminTokenFile } = config.http;
  if (!token && !insecure && (await makeFirstToken(teal.tokens, adminTokenFile, teal.clock.now()))) {
    log.warn(
      { file: adminTokenFile },
      "made the first admin token; it is in this file, which you should move",
    );
  }
  const app = await buildApp({ ...teal });
  process.on("SIGHUP", () => void teal.config.reload());
  await app.listen({ host: config.http.host, port: config.http.port });
  if (!token && insecure) log.warn("TEAL_INSECURE=1: everybody on this machine may deploy");

  const signal = await stopSignal();
  log.info({ signal }, "the API stops: ends its event streams and finishes its requests");
  // A second signal, or requests that don't end in time, end the process as it is.
  void stopSignal().then(() => process.exit(1));
  const overdue = setTimeout(() => process.exit(1), config.http.stopMs);
  await app.close();
  await teal.close();
  clearTimeout(overdue);
  log.info("the API stopped");
  process.exit(0);
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

main().catch((error: unknown) => {
  const text =
    error instanceof TealError
      ? `${error.message}\n${error.entry.fix}`
      : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`teal: ${text}\n`);
  process.exit(1);
});
