/**
 * Records as earlier versions of Teal wrote them: an example of each schema for every kind of moment, read on the
 * real path from Redis through a claim and a turn. An example is never changed; a new schema gets a folder.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isTerminal } from "../../src/deployment/phases.ts";
import { type Deployment, recordSchema } from "../../src/deployment/record.ts";
import type { Cloud } from "../../src/engine/ports.ts";
import { runTurns } from "../../src/engine/turn.ts";
import { deployment, note } from "../contract/deployment.ts";
import { openTestRecords, type TestRecords } from "../redis/records.ts";
import { nothingOutside } from "../support/outside.ts";
import { silent } from "../support/silent.ts";

const schemas = Array.from({ length: recordSchema }, (_, i) => `schema-${i + 1}`);
const examples = schemas.flatMap((schema) =>
  readdirSync(join(import.meta.dirname, schema)).map((file) => join(schema, file)),
);

let store: TestRecords;

beforeEach(async () => {
  store = await openTestRecords();
});

afterEach(() => store.close());

/** Puts a record where a deployment of its id would be, as text, as it was written then. */
async function put(text: string): Promise<Deployment> {
  const written: Deployment = JSON.parse(text);
  const { id, service } = written;
  await store.records.create(deployment(id, { service }), [note(0)], { whenBusy: "reject" });
  const settled = written.settled ? "1" : "0";
  const terminal = isTerminal(written.phase) ? "1" : "0";
  const fields = { record: text, events: written.events, settled, terminal };
  await store.redis.hset(`${store.prefix}:d:${id}`, fields);
  return written;
}

/** AWS does not answer: then nothing is decided but what the record says by itself. */
const fault = { class: "repeat", code: "Timeout", message: "no answer", action: "any" } as const;
const away: Cloud = {
  look: async ({ routes }, look, at) => ({
    routes: Object.fromEntries(look.routes ? routes.map(({ arn }) => [arn, { ok: false, fault, at }]) : []),
    health: {},
    ...(look.service && { service: { ok: false, fault, at } }),
  }),
  perform: async (_target, _effect, { deadline }) => ({ kind: "unknown", at: deadline, fault }),
};

const later = { now: () => Date.UTC(2027, 0, 1) };
const parts = () => ({
  records: store.records,
  wakes: { wake: async () => {} },
  cloud: away,
  ...nothingOutside(later),
  clock: later,
  log: silent,
});

it("has examples of every schema", () => {
  expect(schemas.filter((schema) => !examples.some((example) => example.startsWith(schema)))).toEqual([]);
});

it.each(examples)("goes on with %s", async (example) => {
  const written = await put(readFileSync(join(import.meta.dirname, example), "utf8"));
  const rest = await runTurns(written.id, parts(), new AbortController().signal);
  expect(rest.kind).toMatch(/sleep|rest/);
  const now = await store.records.load(written.id);
  const { target, strategy, request, actor, blue, pair, createdAt } = written;
  expect(now).toMatchObject({ schema: recordSchema, target, strategy, request, actor, createdAt });
  expect(now).toMatchObject({ ...(blue && { blue }), ...(pair && { pair }) });
  expect(now?.events).toBeGreaterThanOrEqual(written.events);
});

it("refuses a record of a newer schema and leaves it as it is", async () => {
  const newer = JSON.stringify({ ...deployment("d-1"), schema: recordSchema + 1, unheard: "of" });
  await put(newer);
  const refusal = { code: "too-new", message: expect.stringContaining(`schema ${recordSchema + 1}`) };
  await expect(runTurns("d-1", parts(), new AbortController().signal)).rejects.toMatchObject(refusal);
  await expect(store.records.load("d-1")).rejects.toMatchObject(refusal);
  expect(await store.redis.hgetall(`${store.prefix}:d:d-1`)).toMatchObject({
    record: newer,
    epoch: "0",
    version: "0",
  });
});
