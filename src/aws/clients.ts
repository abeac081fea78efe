/** The SDK's clients: one of each kind per region, made when first needed. */
import { ECSClient, type ECSClientConfig } from "@aws-sdk/client-ecs";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";

export interface ClientOptions {
  /** Instead of AWS; the SDK reads AWS_ENDPOINT_URL by itself. */
  endpoint?: string;
  /** Instead of the SDK's HTTP client; stays the caller's to close. */
  requestHandler?: ECSClientConfig["requestHandler"];
  /** Instead of the SDK's default chain. */
  credentials?: ECSClientConfig["credentials"];
  /** Attempts of one call, 3 where left out. The SDK waits for real time between them: give 1 in stepped time. */
  maxAttempts?: number;
  /** Instead of the SDK's standard one with `maxAttempts`; not used for what must be sent once only. */
  retryStrategy?: ECSClientConfig["retryStrategy"];
}

export interface Clients {
  ecs(region: string): ECSClient;
  /** For the calls that the SDK must never repeat by itself. */
  ecsOnce(region: string): ECSClient;
  elb(region: string): ElasticLoadBalancingV2Client;
  /** Closes their connections. */
  close(): void;
}

/**
 * One attempt gives up before the whole call must, so that there is time for another one. No logger is given to
 * the SDK: it would write whole requests, and task definitions hold secrets.
 */
const http = { connectionTimeout: 2_000, requestTimeout: 6_000, throwOnRequestTimeout: true };

export function createClients(options: ClientOptions): Clients {
  const shared = {
    requestHandler: options.requestHandler ?? http,
    retryMode: "standard",
    ...(options.endpoint && { endpoint: options.endpoint }),
    ...(options.credentials && { credentials: options.credentials }),
  };
  const repeating = {
    ...shared,
    maxAttempts: options.maxAttempts ?? 3,
    ...(options.retryStrategy && { retryStrategy: options.retryStrategy }),
  };
  const once = { ...shared, maxAttempts: 1 };
  const ecs = perRegion((region) => new ECSClient({ ...repeating, region }));
  const ecsOnce = perRegion((region) => new ECSClient({ ...once, region }));
  const elb = perRegion((region) => new ElasticLoadBalancingV2Client({ ...repeating, region }));
  return {
    ecs: (region) => ecs.get(region),
    ecsOnce: (region) => ecsOnce.get(region),
    elb: (region) => elb.get(region),
    close() {
      if (options.requestHandler) return;
      for (const client of [...ecs.all(), ...ecsOnce.all(), ...elb.all()]) client.destroy();
    },
  };
}

function perRegion<C>(make: (region: string) => C): { get(region: string): C; all(): Iterable<C> } {
  const made = new Map<string, C>();
  return {
    get(region) {
      const known = made.get(region);
      if (known) return known;
      const client = make(region);
      made.set(region, client);
      return client;
    },
    all: () => made.values(),
  };
}
