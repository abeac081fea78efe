/** The SDK's clients: one of each kind for each region of each account, made when first needed. */
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { ECSClient, type ECSClientConfig } from "@aws-sdk/client-ecs";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { STSClient } from "@aws-sdk/client-sts";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { ServiceTarget } from "../deployment/target.ts";
import type { Clock } from "../engine/ports.ts";
import { createSession, providerOf, renewing, type Session, type Signing } from "./sessions.ts";

export interface ClientOptions {
  /** By which sessions in other accounts end. */
  clock: Clock;
  /** Instead of AWS; the SDK reads AWS_ENDPOINT_URL by itself. */
  endpoint?: string;
  /** Instead of the SDK's HTTP client; stays the caller's to close. */
  requestHandler?: ECSClientConfig["requestHandler"];
  /** Instead of the SDK's default chain: Teal's own, with which it also assumes roles. */
  credentials?: ECSClientConfig["credentials"];
  /** Attempts of one call, 3 where left out. The SDK waits for real time between them: give 1 in stepped time. */
  maxAttempts?: number;
  /** Instead of the SDK's standard one with `maxAttempts`; not used for what must be sent once only. */
  retryStrategy?: ECSClientConfig["retryStrategy"];
  /** Ready made, in the place of all that these options say. */
  clients?: Clients;
  /** Instead of the SDK's own signatures in Teal's own account, by the service's name in their scope. */
  signer?: (scope: Scope, region: string) => ECSClientConfig["signer"];
}

type Scope = "ecs" | "elasticloadbalancing" | "monitoring";

/** Where a call goes: to a region, in the account of a role or in Teal's own. */
export type Place = Pick<ServiceTarget, "region" | "account">;

/** Tells places apart. */
export function placeKey({ region, account }: Place): string {
  return [region, account?.roleArn, account?.externalId].join(" ");
}

/** Two calls of this answer for one place give the same client. */
export interface Clients {
  /**
   * For looking. They keep what the SDK builds anew for each call otherwise, a good part of a call's cost; so
   * nothing may be added to a single command of theirs.
   */
  ecsReader(at: Place): ECSClient;
  elbReader(at: Place): ElasticLoadBalancingV2Client;
  cloudWatchReader(at: Place): CloudWatchClient;
  /** For effects, which carry a guard each. */
  ecsWriter(at: Place): ECSClient;
  elbWriter(at: Place): ElasticLoadBalancingV2Client;
  /** For the effects that the SDK must never repeat by itself. */
  ecsOnce(at: Place): ECSClient;
  /** Closes their connections. */
  close(): void;
}

/**
 * One attempt gives up before the whole call must, so that there is time for another one. No logger is given to
 * the SDK: it would write whole requests, and task definitions hold secrets.
 */
const http = { connectionTimeout: 2_000, requestTimeout: 6_000, throwOnRequestTimeout: true };

type Settings = Pick<
  ECSClientConfig,
  | "cacheMiddleware"
  | "credentials"
  | "endpoint"
  | "maxAttempts"
  | "region"
  | "requestHandler"
  | "retryMode"
  | "retryStrategy"
  | "signer"
>;

export function createClients(options: ClientOptions): Clients {
  if (options.clients) return options.clients;
  const handlers: NodeHttpHandler[] = [];
  /** Connections belong to a kind of client, wherever it calls: one that is let go leaves none behind. */
  const wire = (): Settings => {
    if (options.requestHandler) return { requestHandler: options.requestHandler };
    const requestHandler = new NodeHttpHandler(http);
    handlers.push(requestHandler);
    return { requestHandler };
  };
  const once: Settings = {
    retryMode: "standard",
    maxAttempts: 1,
    ...(options.endpoint && { endpoint: options.endpoint }),
    ...(options.credentials && { credentials: options.credentials }),
  };
  const repeating: Settings = {
    ...once,
    maxAttempts: options.maxAttempts ?? 3,
    ...(options.retryStrategy && { retryStrategy: options.retryStrategy }),
  };
  const reading: Settings = { ...repeating, cacheMiddleware: true };

  const stsWire = wire();
  const sessionAt = perPlace(
    ({ region, account }): Session | undefined =>
      account && createSession(new STSClient({ ...repeating, ...stsWire, region }), account, options.clock),
  );
  const kind = <C extends Signing>(scope: Scope, settings: Settings, make: (settings: Settings) => C) => {
    const common = { ...settings, ...wire() };
    return perPlace((at) => {
      const { region } = at;
      const session = sessionAt(at);
      if (session) return renewing(session, make({ ...common, region, credentials: providerOf(session) }));
      return make({ ...common, region, ...(options.signer && { signer: options.signer(scope, region) }) });
    });
  };
  const ecs = (settings: Settings) => new ECSClient(settings);
  const elb = (settings: Settings) => new ElasticLoadBalancingV2Client(settings);
  return {
    ecsReader: kind("ecs", reading, ecs),
    elbReader: kind("elasticloadbalancing", reading, elb),
    cloudWatchReader: kind("monitoring", reading, (settings) => new CloudWatchClient(settings)),
    ecsWriter: kind("ecs", repeating, ecs),
    elbWriter: kind("elasticloadbalancing", repeating, elb),
    ecsOnce: kind("ecs", once, ecs),
    close() {
      for (const handler of handlers) handler.destroy();
    },
  };
}

/** Regions of accounts that clients are kept for; those of others are made again when they are needed again. */
const placesMax = 100;

/** What was made for the places that were asked for lately. */
function perPlace<T>(make: (at: Place) => T): (at: Place) => T {
  const made = new Map<string, { for: T }>();
  return (at) => {
    const key = placeKey(at);
    const known = made.get(key) ?? { for: make(at) };
    // A map keeps the order in which things were put: the first one is the longest unused.
    made.delete(key);
    made.set(key, known);
    const [unused] = made.keys();
    if (made.size > placesMax && unused !== undefined) made.delete(unused);
    return known.for;
  };
}
