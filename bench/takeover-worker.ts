/**
 * A worker process that tells each look it begins, with its time. One that is told to hang never ends its first
 * look: it holds its job's lock until it is killed. Its arguments come as one JSON text.
 */
import { openStage } from "./stage.ts";

export interface TakeoverArguments {
  url: string;
  prefix: string;
  concurrency: number;
  lockMs: number;
  stalledMs: number;
  hang: boolean;
}

const { url, prefix, hang, ...settings }: TakeoverArguments = JSON.parse(process.argv[2] ?? "{}");
const stage = await openStage({
  url,
  prefix,
  wakeAt: () => undefined,
  onLook: async (service) => {
    process.stdout.write(`look ${service} ${Date.now()}\n`);
    if (hang) await new Promise(() => {});
  },
});
stage.work(settings);
process.stdout.write("consuming\n");
