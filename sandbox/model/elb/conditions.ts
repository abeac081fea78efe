import type { RequestHead } from "../traffic.ts";
import { AwsError, validationError } from "../error.ts";
import type { Condition } from "./shapes.ts";

const fields = [
  "host-header",
  "path-pattern",
  "http-header",
  "query-string",
  "http-request-method",
  "source-ip",
];

/** Refuses what ELBv2 refuses in a rule's conditions and stores each value list under its config. */
export function storedConditions(conditions: readonly Condition[]): Condition[] {
  if (conditions.length === 0) throw validationError("A rule needs at least one condition.");
  return conditions.map((condition) => {
    const { Field: field, Values: values } = condition;
    if (field === undefined || !fields.includes(field))
      throw validationError(`Condition field '${field ?? ""}' must be one of '[${fields.join(", ")}]'`);
    const stored = { ...condition };
    if (values !== undefined && field === "path-pattern") stored.PathPatternConfig ??= { Values: values };
    if (values !== undefined && field === "host-header") stored.HostHeaderConfig ??= { Values: values };
    const given =
      stored.PathPatternConfig ??
      stored.HostHeaderConfig ??
      stored.HttpHeaderConfig ??
      stored.QueryStringConfig ??
      stored.HttpRequestMethodConfig ??
      stored.SourceIpConfig;
    if (given === undefined || given.Values.length === 0)
      throw new AwsError(
        "InvalidConfigurationRequest",
        `A condition value must be specified for field '${field}'`,
      );
    // AWS fills the old `Values` list too where the field has one.
    if (field === "path-pattern") stored.Values = stored.PathPatternConfig?.Values;
    if (field === "host-header") stored.Values = stored.HostHeaderConfig?.Values;
    return stored;
  });
}

/** Whether a request meets all of a rule's conditions. */
export function matches(conditions: readonly Condition[], request: RequestHead): boolean {
  return conditions.every((condition) => meets(condition, request));
}

function meets(condition: Condition, request: RequestHead): boolean {
  switch (condition.Field ?? "") {
    case "path-pattern":
      return (condition.PathPatternConfig?.Values ?? []).some((glob) => like(glob, request.path, true));
    case "host-header": {
      const host = (request.host ?? "").replace(/:\d+$/, "");
      return (condition.HostHeaderConfig?.Values ?? []).some((glob) => like(glob, host, false));
    }
    case "http-header": {
      const value = request.headers[(condition.HttpHeaderConfig?.HttpHeaderName ?? "").toLowerCase()];
      return (
        value !== undefined &&
        (condition.HttpHeaderConfig?.Values ?? []).some((glob) => like(glob, value, false))
      );
    }
    case "http-request-method":
      return (condition.HttpRequestMethodConfig?.Values ?? []).includes(request.method);
    case "query-string": {
      const pairs = [...new URLSearchParams(request.query ?? "")];
      return (condition.QueryStringConfig?.Values ?? []).some(({ Key: key, Value: glob }) =>
        pairs.some(
          ([name, value]) => (key === undefined || like(key, name, false)) && like(glob, value, false),
        ),
      );
    }
    case "source-ip":
      return (condition.SourceIpConfig?.Values ?? []).some((cidr) => within(cidr, request.sourceIp ?? ""));
    default:
      return false;
  }
}

const compiled = new Map<string, RegExp>();

/** `*` stands for any text, `?` for one character. */
function like(glob: string, text: string, caseSensitive: boolean): boolean {
  const key = `${caseSensitive ? "s" : "i"}${glob}`;
  let pattern = compiled.get(key);
  if (pattern === undefined) {
    const source = glob
      .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".");
    pattern = new RegExp(`^${source}$`, caseSensitive ? "s" : "is");
    if (compiled.size > 10_000) compiled.clear();
    compiled.set(key, pattern);
  }
  return pattern.test(text);
}

/** IPv4 only; the sandbox hands out no other addresses. */
function within(cidr: string, ip: string): boolean {
  const [network = "", bits = "32"] = cidr.split("/");
  const [a, b] = [asNumber(network), asNumber(ip)];
  if (a === undefined || b === undefined) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(a / size) === Math.floor(b / size);
}

function asNumber(ip: string): number | undefined {
  const parts = ip.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
