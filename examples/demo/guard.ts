/** Sees to it that nothing outlives the demo, not even when it is killed. */
import { spawn } from "node:child_process";
import { runningProcesses } from "../../test/support/processes.ts";

/**
 * A process that does nothing but wait for the demo's end, whatever ends it: should any process or file be left
 * then, it ends and removes them. A demo that was killed can't do that itself.
 */
export function guardProcesses(directory: string): { watch(): void; end(): void } {
  const script = 'while read -r pid; do pids="$pids $pid"; done; kill -9 $pids 2>/dev/null; rm -rf "$0"';
  // A session of its own: Ctrl-C on the terminal must not end it before the others.
  const guard = spawn("sh", ["-c", script, directory], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  guard.unref();
  const told = new Set<number>();
  return {
    watch: () => {
      for (const { pid } of runningProcesses()) {
        if (pid > 0 && !told.has(pid)) guard.stdin.write(`${pid}\n`);
        told.add(pid);
      }
    },
    end: () => {
      // Everything is gone by now, and its numbers may belong to others.
      guard.kill("SIGKILL");
      guard.stdin.destroy();
    },
  };
}
