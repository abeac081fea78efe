/**
 * Sends requests at a steady pace, whatever becomes of the ones before (an open loop): a server that slows down
 * meets a queue, as real clients make it, not patience. Runs in a thread of its own, so that nothing else of the
 * demo can hold it up.
 */
import { Agent, get } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

export interface LoadOrder {
  url: string;
  ratePerSecond: number;
}

/** One request: when it was sent and ended (ms since the epoch), who answered it or why nobody did. */
export interface Sample {
  sentAt: number;
  endedAt: number;
  version?: string;
  /** That version had the request, and failed it by itself. */
  error?: true;
  /** Why no version had it. */
  lost?: string;
}

const requestMsMax = 5_000;
const inFlightMax = 4_000;
const tickMs = 4;
const postEveryMs = 50;

const { url, ratePerSecond }: LoadOrder = workerData;
const port = parentPort;
if (!port) throw new Error("load-thread runs as a worker thread only");

// Idle connections are given up well before the balancer would close them under a request.
const agent = new Agent({ keepAlive: true, maxSockets: inFlightMax, timeout: 20_000 });
let batch: Sample[] = [];
let inFlight = 0;
let sent = 0;
const startedAt = performance.now();

function send(): void {
  const sentAt = Date.now();
  let open = true;
  const end = (result: Omit<Sample, "sentAt" | "endedAt">): void => {
    if (!open) return;
    open = false;
    inFlight--;
    batch.push({ sentAt, endedAt: Date.now(), ...result });
  };
  inFlight++;
  const request = get(url, { agent }, (response) => {
    const version = response.headers["x-version"];
    response.resume();
    response.once("error", (error) => end({ lost: error.message }));
    response.once("close", () => end({ lost: "cut off" }));
    response.once("end", () => {
      const { statusCode } = response;
      // A task that isn't ready answers 503 in its own name; the request shouldn't have come to it.
      if (statusCode !== 200 && (statusCode !== 500 || version === undefined))
        end({ lost: `status ${statusCode}` });
      else if (typeof version !== "string") end({ lost: "an answer of nobody" });
      else end({ version, ...(statusCode === 500 && { error: true }) });
    });
  });
  request.once("error", (error) => end({ lost: "code" in error ? String(error.code) : error.message }));
  request.setTimeout(requestMsMax, () => request.destroy(new Error("no answer in time")));
}

const sending = setInterval(() => {
  const due = Math.floor(((performance.now() - startedAt) * ratePerSecond) / 1_000);
  for (; sent < due; sent++) {
    if (inFlight < inFlightMax) send();
    else batch.push({ sentAt: Date.now(), endedAt: Date.now(), lost: "too many unanswered" });
  }
}, tickMs);

const posting = setInterval(() => {
  port.postMessage(batch);
  batch = [];
}, postEveryMs);

port.once("message", () => {
  clearInterval(sending);
  const ending = setInterval(() => {
    if (inFlight > 0) return;
    clearInterval(ending);
    clearInterval(posting);
    port.postMessage(batch);
    agent.destroy();
    port.close();
  }, tickMs);
});
