/**
 * Checks: what tells a good version from a bad one by numbers. A strategy names them; a deployment keeps those of
 * its strategy as they were when it began. Measuring is done by adapters; judging is done here and in `verdict/`.
 */
/** The measured value beside a limit, or several joined by `and` or by `or`; all must be of one kind. */
export interface Condition {
  /** As written: `value < 0.4`, `value >= 10 and value <= 20`. */
  written: string;
  join: "and" | "or";
  terms: { operator: "<" | "<=" | ">" | ">=" | "==" | "!="; limit: number | string | boolean }[];
}

/** A header whose value may be kept elsewhere: a record never holds a secret, only the name of one. */
export type HeaderValue = { text: string } | { secret: string };

/** A query of CloudWatch's GetMetricData; exactly one of a check's queries returns data. */
export interface MetricQuery {
  id: string;
  expression?: string;
  metric?: {
    namespace: string;
    name: string;
    dimensions: Record<string, string>;
    /** `Sum`, `Average`, `p99`, … */
    stat: string;
  };
  periodSeconds: number;
  returnData: boolean;
}

/**
 * Where a check's numbers come from. Texts may contain `{{service}}`, `{{deployment}}`, `{{green.targetGroup}}`,
 * `{{blue.targetGroup}}`, `{{loadBalancer}}` (as CloudWatch's dimensions have them), `{{green.taskSet}}` and
 * `{{blue.taskSet}}`.
 */
export type Source =
  /** The built-in verdict by what the load balancer counts for each colour. */
  | {
      kind: "green-vs-blue";
      /** How much worse than blue green may be, as a fraction: 0.1 lets 1 % errors become 1.1 %. */
      tolerance: number;
      /** The chance of a false alarm over the whole deployment, however often it is looked at. */
      alpha: number;
      /** Requests of each colour before green may be called fine. */
      leastRequests: number;
    }
  /** CloudWatch alarms: fails while one of them is in ALARM. */
  | { kind: "alarms"; names: string[] }
  /** The newest value of a query. */
  | { kind: "cloudwatch"; queries: MetricQuery[] }
  /** An instant query; a vector or scalar of exactly one value. */
  | { kind: "prometheus"; url: string; query: string; headers: Record<string, HeaderValue> }
  /** A number, text or truth value within a JSON answer, by its path (RFC 9535, JSONPath). */
  | { kind: "http"; url: string; path: string; headers: Record<string, HeaderValue> };

export interface Check {
  name: string;
  source: Source;
  /** A value is good where this holds, bad where it doesn't; with `failure` too, neither of both is inconclusive. */
  success?: Condition;
  failure?: Condition;
  /** Measurements that make up the check within a step; undefined: as many as the step's time allows. */
  count?: number;
  intervalMs: number;
  /** Bad measurements that are borne. */
  failureLimit: number;
  /** Inconclusive measurements that are borne, failed ones included. */
  inconclusiveLimit: number;
  /** Measured, told, and never acted on. */
  dryRun: boolean;
}

/** What is to be measured now, with every placeholder filled in. */
export type Ask =
  | { kind: "alarms"; names: string[] }
  | { kind: "cloudwatch"; queries: MetricQuery[]; /** Ms since the epoch. */ from: number; to: number }
  | { kind: "prometheus"; url: string; query: string; headers: Record<string, HeaderValue>; at: number }
  | { kind: "http"; url: string; path: string; headers: Record<string, HeaderValue> }
  | TrafficAsk;

/** What the load balancer counted for both colours, minute by minute, in [from, to). */
export interface TrafficAsk {
  kind: "traffic";
  /** Dimension values as CloudWatch has them: `app/web/50dc6c495c0c9188`, `targetgroup/checkout-a/73e2d6bc24d8a067`. */
  loadBalancer: string;
  blue: string;
  green: string;
  /** Whole minutes, ms since the epoch. */
  from: number;
  to: number;
  /** Answers slower than so many seconds count as slow; left out, slow ones aren't counted. */
  slowSeconds?: number;
  /** Tells blue's response times of that stretch too: what is slow is measured by them. */
  history?: { from: number; to: number; percentile: number };
}

/** What a target group counted in a minute. A minute without traffic is all zeros. */
export interface ColourCounts {
  /** Requests for which a target was chosen. */
  requests: number;
  /** Answers of targets, whatever their status. */
  answered: number;
  /** 5xx answers of targets. */
  errors: number;
  /** Answers slower than the ask's `slowSeconds`. */
  slow?: number;
}

export interface TrafficMinute {
  /** Its beginning, ms since the epoch. */
  at: number;
  blue: ColourCounts;
  green: ColourCounts;
}

export interface TrafficSeen {
  kind: "traffic";
  /** Those of the asked ones that have traffic of either colour, oldest first. */
  minutes: TrafficMinute[];
  /** Blue's response time at the percentile of the asked history, in seconds; undefined where it had no traffic. */
  historySeconds?: number;
}

/** What measuring found. A failed measurement is a `Fault` in the reading. */
export type Measured =
  | { kind: "value"; value: number | string | boolean }
  /** `missing`: named, but there is no such alarm. */
  | { kind: "alarms"; firing: { name: string; reason: string }[]; missing: string[] }
  /** The question was answered, but there is no data. */
  | { kind: "nothing"; why: string }
  | TrafficSeen;
