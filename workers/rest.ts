/** What keeps BullMQ's workers from running hot while Redis refuses what they ask. */

/** The part of BullMQ's `Worker` that this needs. */
export interface Resting {
  on(event: "error", listener: (error: Error) => void): unknown;
  pause(doNotWaitActive: boolean): Promise<void>;
  resume(): unknown;
  closing?: Promise<void> | undefined;
}

const restMs = 1_000;

/**
 * BullMQ waits before it fetches again only where the connection failed. A Redis that answers with a refusal, such
 * as one whose memory is full, is asked again at once, thousands of times a second. After a refusal the worker
 * fetches nothing for a second; what it runs goes on.
 */
export function restAfterRefusals(worker: Resting): void {
  let resting = false;
  worker.on("error", (error) => {
    if (resting || error.name !== "ReplyError") return;
    resting = true;
    void worker.pause(true);
    setTimeout(() => {
      resting = false;
      if (!worker.closing) worker.resume();
    }, restMs).unref();
  });
}
