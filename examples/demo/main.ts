#!/usr/bin/env node
/** `make demo`: a canary under load, a bad version turned back, an abort; exit code 0 only where all went well. */
import { play } from "./play.ts";

await play({}, { json: process.argv.includes("--json") });
