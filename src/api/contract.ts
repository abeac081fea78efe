/**
 * The API as its clients see it: every request and every answer. The command line and the dashboard import this
 * file and nothing else of ours, so it stands alone. Moments are ISO 8601 in UTC, lengths of time milliseconds.
 */
export * from "./contract/deliveries.ts";
export * from "./contract/audit.ts";
export * from "./contract/deployments.ts";
export * from "./contract/plan.ts";
export * from "./contract/requests.ts";
export * from "./contract/schedules.ts";
export * from "./contract/services.ts";
export * from "./contract/tokens.ts";
export * from "./contract/words.ts";
