/** The SDK's clients: one of each kind per region, made when first needed. */
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
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
  /** Ready made, in the place of all that these options say. */
  clients?: Clients;
  /** Instead of the SDK's own signatures, by the service's name in their scope. */
  signer?: (scope: "ecs" | "elasticloadbalancing" | "monitoring") => ECSClientConfig["signer"];
}

export interface Clients {
  /**
   * For looking. They keep what the SDK builds anew for each call otherwise, a good part of a call's cost; so
   * nothing may be added to a single command of theirs.
   */
  ecsReader(region: string): ECSClient;
  elbReader(region: string): ElasticLoadBalancingV2Client;
  cloudWatchReader(region: string): CloudWatchClient;
  /** For effects, which carry a guard each. */
  ecsWriter(region: string): ECSClient;
  elbWriter(region: string): ElasticLoadBalancingV2Client;
  /** For the effects that the SDK must never repeat by itself. */
  ecsOnce(region: string): ECSClient;
  /** Closes their connections. */
  close(): void;
}

/**
 * One attempt gives up before the whole call must, so that there is time for another one. No logger is given to
 * the SDK: it would write whole requests, and task definitions hold secrets.
 */
const http = { connectionTimeout: 2_000, requestTimeout: 6_000, throwOnRequestTimeout: true };

export function createClients(options: ClientOptions): Clients {
  if (options.clients) return options.clients;
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
  const ecsSigner = options.signer && { signer: options.signer("ecs") };
  const elbSigner = options.signer && { signer: options.signer("elasticloadbalancing") };
  const cloudWatchSigner = options.signer && { signer: options.signer("monitoring") };
  const ecs = { ...repeating, ...ecsSigner };
  const elb = { ...repeating, ...elbSigner };
  const made = {
    ecsReader: perRegion((region) => new ECSClient({ ...ecs, region, cacheMiddleware: true })),
    elbReader: perRegion(
      (region) => new ElasticLoadBalancingV2Client({ ...elb, region, cacheMiddleware: true }),
    ),
    cloudWatchReader: perRegion(
      (region) => new CloudWatchClient({ ...repeating, ...cloudWatchSigner, region, cacheMiddleware: true }),
    ),
    ecsWriter: perRegion((region) => new ECSClient({ ...ecs, region })),
    elbWriter: perRegion((region) => new ElasticLoadBalancingV2Client({ ...elb, region })),
    ecsOnce: perRegion((region) => new ECSClient({ ...shared, ...ecsSigner, region, maxAttempts: 1 })),
  };
  return {
    ecsReader: made.ecsReader.get,
    elbReader: made.elbReader.get,
    cloudWatchReader: made.cloudWatchReader.get,
    ecsWriter: made.ecsWriter.get,
    elbWriter: made.elbWriter.get,
    ecsOnce: made.ecsOnce.get,
    close() {
      if (options.requestHandler) return;
      for (const clients of Object.values(made)) for (const client of clients.all()) client.destroy();
    },
  };
}

function perRegion<C>(make: (region: string) => C): {
  get: (region: string) => C;
  all: () => Iterable<C>;
} {
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
