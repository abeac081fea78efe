/** What an act plays on: one service under its own load, and the house's parts that it needs. */
import type { Client } from "../../src/cli/client.ts";
import type { RunningProcess } from "../../test/support/processes.ts";
import type { DemoWorker } from "./house.ts";
import type { Load } from "./load.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Watch } from "./watch.ts";

export interface Stage {
  /** The service's name, in the world and in `teal.yaml`. */
  service: string;
  listenerArn: string;
  /** The pair's groups; the first one is blue's at the beginning. */
  targetGroups: string[];
  load: Load;
  watch: Watch;
  sandbox: Sandbox;
  client: Client;
  workers: DemoWorker[];
  /** Runs the command line as a process. */
  teal(...args: string[]): RunningProcess;
  signal: AbortSignal;
}
