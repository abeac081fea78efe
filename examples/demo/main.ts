#!/usr/bin/env node
/**
 * `make demo`: a canary under load, a bad version turned back, an abort, and beside them a version that is healthy and
 * all the same worse; exit code 0 only where all went well. `--service checkout` plays one of the two services alone.
 */
import { parseArgs } from "node:util";
import { checkout } from "./checkout.ts";
import { payments } from "./payments.ts";
import { play } from "./play.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, service: { type: "string" } },
});
// Payments first, which takes longest: nothing happens there while checkout's acts go on.
const plots = [payments, checkout].filter(({ service }) => service === (values.service ?? service));
if (plots.length === 0) {
  process.stderr.write(`The demo has no service ${values.service}; it has checkout and payments.\n`);
  process.exit(2);
}
await play({ plots }, { json: values.json });
