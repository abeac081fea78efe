import { afterAll, afterEach, beforeEach } from "vitest";
import { type RunningProcess, reapProcesses, runningProcesses } from "./processes.ts";

/** Loaded before every test file: no process outlives the test, or the file, that started it. */

let before: ReadonlySet<RunningProcess> = new Set();

beforeEach(() => {
  before = runningProcesses();
});
afterEach(() => reapProcesses(before));
afterAll(() => reapProcesses());
