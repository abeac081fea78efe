/** Requests as nobody means them, made from what the description says of an operation. */
import * as fc from "fast-check";
import type { OpenAPIV3_1 } from "openapi-types";
import type { Operation } from "./operations.ts";

export interface HostileRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  payload: string | Buffer | undefined;
}

type Schema = OpenAPIV3_1.SchemaObject;

const deep = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times);

/** What leads somewhere, by the name of the path's or the body's part. */
export type Known = Record<string, string>;

/** What has broken other programs, as texts. */
const words = [
  "",
  " ",
  "__proto__",
  "constructor",
  "toString",
  "../../../../etc/passwd",
  "..\\..\\windows",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff\ud800",
  "\u202e\u0301\ufeff",
  "ſK",
  "{{constructor.constructor('return process')()}}",
  "${7*7}",
  "'; DROP TABLE deployments; --",
  "*",
  "]]>",
  "<script>alert(1)</script>",
  "\r\nSet-Cookie: a=b",
  "NaN",
  "1e999",
  "-1",
  "x".repeat(5_000),
  "2026-13-45T99:99:99Z",
  "+275760-09-13T00:00:00.001Z",
];
const word = fc.oneof(fc.constantFrom(...words), fc.string({ unit: "binary", maxLength: 40 }));

/** JSON that a schema doesn't expect; as text, because not all of it survives being an object. */
const oddJson = fc.oneof(
  word.map((text) => JSON.stringify(text)),
  fc.constantFrom(
    "null",
    "true",
    "[]",
    "{}",
    "-0",
    "1e308",
    "1e999",
    "9007199254740993",
    "0.1",
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"__proto__":null,"length":1e9}',
    deep("[", "]", 2_000),
    deep('{"a":', "}", 1_000).replace("}", "1}"),
    `[${"0,".repeat(5_000)}0]`,
  ),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
);

/** Mostly what the schema asks for, so that it reaches what lies behind; here and there something odd. */
function jsonOf(schema: Schema | OpenAPIV3_1.ReferenceObject, known: Known, depth = 0): fc.Arbitrary<string> {
  if ("$ref" in schema || depth > 6) return oddJson;
  return fc.oneof(
    { weight: 12, arbitrary: fitting(schema, known, depth) },
    { weight: 1, arbitrary: oddJson },
  );
}

function fitting(schema: Schema, known: Known, depth: number): fc.Arbitrary<string> {
  if (schema.enum) return fc.constantFrom(...schema.enum).map((value) => JSON.stringify(value));
  if (schema.const !== undefined) return fc.constant(JSON.stringify(schema.const));
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return fc.oneof(...some.map((one) => jsonOf(one, known, depth + 1)));
  switch (schema.type) {
    case "object":
      return objectOf(schema, known, depth);
    case "array": {
      const { minItems = 0, maxItems = 3, items } = schema;
      const range = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems + 1, 4)) };
      return fc.array(jsonOf(items, known, depth + 1), range).map((all) => `[${all.join(",")}]`);
    }
    case "string":
      return textOf(schema).map((text) => JSON.stringify(text));
    case "integer":
    case "number": {
      const { minimum = 0, maximum = 1_000 } = schema;
      return fc
        .integer({ min: Math.max(minimum, -1e6), max: Math.max(Math.min(maximum, 1e6), minimum) })
        .map(String);
    }
    case "boolean":
      return fc.boolean().map(String);
    case "null":
    case undefined:
    default:
      return oddJson;
  }
}

function objectOf(schema: Schema, known: Known, depth: number): fc.Arbitrary<string> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const members = Object.entries(properties).map(([key, value]) => {
    const some = jsonOf(value, known, depth + 1);
    const named = fc.constant(JSON.stringify(known[key]));
    const json =
      known[key] === undefined
        ? some
        : fc.oneof({ weight: 9, arbitrary: named }, { weight: 1, arbitrary: some });
    const member = json.map((json) => [`${JSON.stringify(key)}:${json}`]);
    return required.includes(key) ? member : fc.oneof(member, fc.constant<string[]>([]));
  });
  const strange = fc.tuple(word, oddJson).map(([key, json]) => [`${JSON.stringify(key)}:${json}`]);
  const values = typeof additionalProperties === "object" ? additionalProperties : {};
  const entry = fc.tuple(fc.constantFrom("web", "app"), jsonOf(values, known, depth + 1));
  const entries = members.length > 0 ? [] : [entry.map(([key, json]) => [`${JSON.stringify(key)}:${json}`])];
  const more = fc.oneof(
    { weight: 9, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: strange },
  );
  return fc.tuple(...members, ...entries, more).map((parts) => `{${parts.flat().join(",")}}`);
}

function textOf({ pattern, minLength = 0, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (pattern === undefined)
    return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 60)) });
  try {
    return fc.stringMatching(new RegExp(pattern), { maxLength: 80 });
  } catch {
    return word;
  }
}

/** A text of JSON in which one value, however deep, is another. */
export function spoilt(text: string): fc.Arbitrary<string> {
  const whole: unknown = JSON.parse(text);
  return fc
    .tuple(fc.constantFrom(...pathsOf(whole)), oddJson)
    .map(([path, odd]) => JSON.stringify(replaced(whole, path)).replace(`"${place}"`, () => odd));
}

const place = "the place of what is odd";

function pathsOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return [
    [],
    ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner).map((path) => [key, ...path])),
  ];
}

function replaced(value: unknown, [key, ...rest]: string[]): unknown {
  if (key === undefined) return place;
  if (Array.isArray(value))
    return value.map((inner, index) => (String(index) === key ? replaced(inner, rest) : inner));
  return { ...Object(value), [key]: replaced(Reflect.get(Object(value), key), rest) };
}

/** A body of the wrong kind altogether. */
const noJson = fc.oneof(
  fc.constantFrom(
    "",
    "{",
    "[1,",
    '"',
    "{]",
    "\ufeff{}",
    "nul",
    "{'a':1}",
    "a=b&c=d",
    deep("[", "", 100_000),
    '{"a":1,"a":2}',
    `"${"x".repeat(1_100_000)}"`,
  ),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
);

const contentTypes = fc.oneof(
  { weight: 9, arbitrary: fc.constant("application/json") },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "application/json; charset=utf-16",
      'application/json;charset="utf-8"; a=b',
      "application/problem+json",
      "text/plain",
      "multipart/form-data; boundary=x",
      "application/x-www-form-urlencoded",
      "application/json, text/plain",
      ";;;",
      "__proto__",
    ),
  },
);

/** What a header may be made of on the wire. */
const headerText = fc.oneof(
  fc.constantFrom(
    "",
    "x".repeat(6_000),
    "__proto__",
    "ÿþ",
    "a, b",
    "application/json",
    "0",
    "-1",
    "text/event-stream",
  ),
  fc.stringMatching(/^[\x21-\x7e]{1,40}$/),
);

/** Half a surrogate pair can't be written in UTF-8. */
function inUrl(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/**
 * @param examples bodies that are understood, where the description has no schema for them
 */
export function hostile(
  operation: Operation,
  known: Known,
  examples: string[] = [],
): fc.Arbitrary<HostileRequest> {
  const { says, path } = operation;
  const parameters = (says.parameters ?? []).filter((one): one is OpenAPIV3_1.ParameterObject => "in" in one);
  const named = (place: string) => parameters.filter((one) => one.in === place);

  const segment = (name: string) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(known[name] ?? "x") },
      { weight: 2, arbitrary: word.map((text) => inUrl(text)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "%",
          "%00",
          "%2e%2e%2f",
          "..%2f..",
          "%ED%A0%80",
          "%c0%ae",
          "a;b=c",
          "%2F",
          "*",
          ":id",
        ),
      },
    );
  const filled = fc
    .tuple(...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => segment(name)))
    .map((values) => {
      let index = 0;
      return path.replaceAll(/\{\w+\}/g, () => values[index++] ?? "");
    });

  const pair = fc.oneof(
    ...named("query").map(({ name, schema }) =>
      fc
        .oneof(schema && !("$ref" in schema) ? textOf(schema) : word, word)
        .map((value) => `${name}=${inUrl(value)}`),
    ),
    fc.constantFrom(
      "__proto__=x",
      "constructor[prototype]=x",
      "a[b]=c",
      "%",
      "&&==",
      "limit=1&limit=2",
      "x".repeat(3_000),
    ),
  );
  const query = fc.oneof(
    { weight: 1, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.array(pair, { maxLength: 4 }).map((pairs) => `?${pairs.join("&")}`) },
  );

  const header = fc.tuple(
    fc.constantFrom(
      ...named("header").map(({ name }) => name),
      "accept",
      "origin",
      "x-request-id",
      "cookie",
      "expect",
      "range",
    ),
    headerText,
  );
  const headers = fc.array(header, { maxLength: 3 }).map((all) => Object.fromEntries(all));

  const { requestBody } = says;
  const schema =
    requestBody && "content" in requestBody ? requestBody.content["application/json"]?.schema : undefined;
  const body =
    operation.method === "GET"
      ? fc.constant(undefined)
      : fc.oneof(
          {
            weight: 6,
            arbitrary: schema ? jsonOf(schema, known) : fc.oneof(oddJson, ...examples.map(spoilt)),
          },
          { weight: 1, arbitrary: oddJson },
          { weight: 1, arbitrary: noJson },
          { weight: 1, arbitrary: fc.constant(undefined) },
        );
  const method = fc.oneof(
    { weight: 15, arbitrary: fc.constant<string>(operation.method) },
    { weight: 1, arbitrary: fc.constantFrom("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "GET", "POST") },
  );

  return fc
    .record({ method, path: filled, query, headers, payload: body, contentType: contentTypes })
    .map(({ path: filledPath, query: asked, contentType, ...rest }) => ({
      ...rest,
      url: filledPath + asked,
      headers: { ...rest.headers, ...(rest.payload !== undefined && { "content-type": contentType }) },
    }));
}
