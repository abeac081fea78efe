/**
 * Connecting, guarded: the very addresses that are connected to are judged, after resolving and before connecting,
 * so a name that resolves to something else the next time is judged by that.
 */
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { buildConnector } from "undici";
import type { Judge } from "./allowance.ts";

/** All addresses of a name; throws where it has none. */
export type Resolve = (host: string) => Promise<{ address: string }[]>;

/** No address of the host may be connected to; the message says why. */
export class Forbidden extends Error {}

export interface Connecting {
  judge: Judge;
  /** The system's resolver where left out. */
  resolve?: Resolve | undefined;
  /** Certificates to trust in place of the usual ones, as PEM. */
  ca?: string | undefined;
  /** Ends a connection that nobody waits for any more. */
  timeoutMs: number;
  /** Called once connected, TLS included, before anything is sent. */
  connected: () => void;
}

export function guardedConnector(on: Connecting): buildConnector.connector {
  const { judge, resolve = systemResolve, ca, timeoutMs: timeout } = on;
  const open = callbackify(async (host: string) => permitted(judge, host, await resolve(host)));
  const look: LookupFunction = (host, options, callback) => {
    open(host, (error, addresses) => {
      if (error) callback(error, "");
      else if (options.all) callback(null, addresses);
      else callback(null, addresses[0].address, addresses[0].family);
    });
  };
  const connect = buildConnector({ lookup: look, timeout, ...(ca !== undefined && { ca }) });
  return (target, callback) => {
    // No resolver is asked about an address, so it is judged here.
    const why = isIP(target.hostname) === 0 ? undefined : judge(target.hostname, target.hostname);
    if (why !== undefined) {
      callback(new Forbidden(why), null);
      return;
    }
    connect(target, (...result) => {
      if (result[0] === null) on.connected();
      callback(...result);
    });
  };
}

const systemResolve: Resolve = (host) => lookup(host, { all: true });

type Open = { address: string; family: number };

/** Those of a host's addresses that may be called; throws `Forbidden` where there is none. */
function permitted(judge: Judge, host: string, all: readonly { address: string }[]): [Open, ...Open[]] {
  const judged = all.map(({ address }) => ({ address, family: isIP(address), why: judge(host, address) }));
  const [first, ...rest] = judged.filter(({ why }) => why === undefined);
  if (first === undefined) throw new Forbidden(judged[0]?.why ?? `${host} has no address`);
  return [first, ...rest];
}
