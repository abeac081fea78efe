import { XMLBuilder } from "fast-xml-parser";
import type { Encoding, WireAnswer } from "./message.ts";

/*
 * The AWS query protocol: parameters as a form (`Actions.member.1.Type=forward`),
 * answers as XML. Lists are `member` elements; an empty list is sent as `X=`,
 * which the input shapes understand.
 */

interface Tree {
  [name: string]: Tree | string;
}

/** The form's parameters as nested objects and lists of texts, without Action and Version. */
export function decodeQuery(form: URLSearchParams): unknown {
  const root: Tree = Object.create(null);
  for (const [name, value] of form) {
    if (name === "Action" || name === "Version") continue;
    const steps = name.split(".");
    const last = steps.pop() ?? "";
    let at = root;
    for (const step of steps) {
      const present = at[step];
      if (typeof present === "object") at = present;
      else at = at[step] = Object.create(null);
    }
    at[last] = value;
  }
  return withLists(root);
}

function withLists(node: Tree | string): unknown {
  if (typeof node === "string") return node;
  const names = Object.keys(node);
  if (names.length > 0 && names.every((name) => /^\d+$/.test(name)))
    return names.sort((a, b) => Number(a) - Number(b)).map((name) => withLists(node[name] ?? ""));
  if (names.length === 1 && node["member"] !== undefined) return withLists(node["member"]);
  return Object.fromEntries(names.map((name) => [name, withLists(node[name] ?? "")]));
}

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: "@" });

const namespaces = {
  elasticloadbalancing: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
  monitoring: "http://monitoring.amazonaws.com/doc/2010-08-01/",
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
};

export function queryEncoding(service: keyof typeof namespaces, action: string): Encoding {
  return {
    result: (result, requestId) =>
      xml(200, requestId, {
        [`${action}Response`]: {
          "@xmlns": namespaces[service],
          [`${action}Result`]: withMembers(result),
          ResponseMetadata: { RequestId: requestId },
        },
      }),
    error: (error, requestId) =>
      xml(error.status, requestId, {
        ErrorResponse: {
          "@xmlns": namespaces[service],
          Error: {
            Type: error.fault === "client" ? "Sender" : "Receiver",
            Code: error.code,
            Message: error.message,
          },
          RequestId: requestId,
        },
      }),
  };
}

function xml(status: number, requestId: string, document: object): WireAnswer {
  return {
    status,
    headers: { "content-type": "text/xml", "x-amzn-requestid": requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>${builder.build(document)}`,
  };
}

function withMembers(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map)
    return { entry: Array.from(value, ([key, member]) => ({ key, value: withMembers(member) })) };
  if (Array.isArray(value)) return value.length === 0 ? "" : { member: value.map(withMembers) };
  if (typeof value !== "object" || value === null) return String(value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, withMembers(member)]),
  );
}
