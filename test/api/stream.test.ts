import { createParser, type EventSourceMessage } from "eventsource-parser";
import { afterEach, beforeEach, expect, it } from "vitest";
import { mint, tokenId } from "../../src/auth/tokens.ts";
import { createStage, type Stage, token } from "./support/stage.ts";

let stage: Stage;
let base: string;
const left: AbortController[] = [];
beforeEach(async () => {
  stage = await createStage();
  base = await stage.app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  for (const client of left.splice(0)) client.abort();
  await stage.app.close();
});

interface Followed {
  status: number;
  messages: EventSourceMessage[];
  comments: string[];
  /** Resolves when the server ends the stream. */
  ended: Promise<void>;
  leave(): void;
}

async function follow(path: string, headers: Record<string, string> = {}): Promise<Followed> {
  const client = new AbortController();
  left.push(client);
  const response = await fetch(`${base}${path}`, {
    headers: { authorization: `Bearer ${token}`, accept: "text/event-stream", ...headers },
    signal: client.signal,
  });
  const messages: EventSourceMessage[] = [];
  const comments: string[] = [];
  const parser = createParser({
    onEvent: (event) => messages.push(event),
    onComment: (comment) => comments.push(comment),
  });
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
  };
  const ended = read().catch(() => undefined);
  return { status: response.status, messages, comments, ended, leave: () => client.abort() };
}

const seqs = ({ messages }: Followed) => messages.map(({ id, event }) => id ?? event);
const note = (text: string): [{ type: "note" }, string] => [{ type: "note" }, text];

it("tells what was and what comes, and ends when the deployment is over", async () => {
  const id = await stage.start();
  await stage.commit(id, () => {}, note("one"));
  const stream = await follow(`/v1/deployments/${id}/events`);
  await expect.poll(() => seqs(stream)).toEqual(["0", "1"]);
  await stage.commit(id, () => {}, note("two"), note("three"));
  await expect.poll(() => seqs(stream)).toEqual(["0", "1", "2", "3"]);
  expect(JSON.parse(stream.messages[3]?.data ?? "")).toMatchObject({
    seq: 3,
    type: "note",
    message: "three",
  });

  // Terminal alone is not the end: it must also be certain that nothing is in flight any more.
  await stage.commit(id, (d) => (d.phase = "cancelled"), note("called off"));
  await expect.poll(() => seqs(stream)).toContain("4");
  expect(seqs(stream)).not.toContain("end");
  await stage.commit(id, (d) => (d.settled = true), note("settled"));
  await stream.ended;
  expect(seqs(stream)).toEqual(["0", "1", "2", "3", "4", "5", "end"]);
});

it("goes on after the last event that the client saw", async () => {
  const id = await stage.start();
  await stage.commit(id, () => {}, note("one"), note("two"));
  const stream = await follow(`/v1/deployments/${id}/events`, { "last-event-id": "1" });
  await expect.poll(() => seqs(stream)).toEqual(["2"]);
  const wrong = await follow(`/v1/deployments/${id}/events`, { "last-event-id": "latest" });
  expect(wrong.status).toBe(400);
});

it("sends a long history in order and whole", async () => {
  const id = await stage.start();
  for (let batch = 0; batch < 5; batch += 1) {
    await stage.commit(id, () => {}, ...Array.from({ length: 50 }, (_, n) => note(`${batch}.${n}`)));
  }
  const stream = await follow(`/v1/deployments/${id}/events`);
  await expect.poll(() => stream.messages.length).toBe(251);
  expect(seqs(stream)).toEqual(Array.from({ length: 251 }, (_, seq) => String(seq)));
});

it("says that it is alive while nothing happens", async () => {
  const stream = await follow(`/v1/deployments/${await stage.start()}/events`);
  await expect.poll(() => stream.comments.length).toBeGreaterThan(1);
});

it("finds by itself what no hint told of", async () => {
  const deaf = await createStage();
  const app = await createStage({}, { records: { ...deaf.records, subscribe: async () => async () => {} } });
  const id = await deaf.start();
  const elsewhere = await app.app.listen({ host: "127.0.0.1", port: 0 });
  const before = base;
  base = elsewhere;
  const stream = await follow(`/v1/deployments/${id}/events`);
  base = before;
  await deaf.commit(id, () => {}, note("unheard"));
  await expect.poll(() => seqs(stream)).toEqual(["0", "1"]);
  stream.leave();
  await Promise.all([deaf.app.close(), app.app.close()]);
});

it("is cut without an end when the server stops, so that the client comes back", async () => {
  const stream = await follow(`/v1/deployments/${await stage.start()}/events`);
  await expect.poll(() => seqs(stream)).toEqual(["0"]);
  await stage.app.close();
  await stream.ended;
  expect(seqs(stream)).toEqual(["0"]);
});

it("is cut without an end when its time is over, so that whoever comes back proves anew who they are", async () => {
  const short = await createStage(
    {},
    { stream: { pollMs: 10, heartbeatMs: 1_000, lastsMs: 100, most: { all: 1, each: 1 } } },
  );
  base = await short.app.listen({ host: "127.0.0.1", port: 0 });
  const stream = await follow(`/v1/deployments/${await short.start()}/events`);
  await stream.ended;
  expect(seqs(stream)).toEqual(["0"]);
  await short.app.close();
});

it("leaves places to others, and the process has no more than it can keep", async () => {
  const path = `/v1/deployments/${await stage.start()}/events`;
  const { record, text } = mint({
    id: tokenId(),
    name: "another",
    kind: "operator",
    grants: [{ role: "viewer", services: ["*"] }],
    createdAt: 0,
    createdBy: "root",
  });
  await stage.tokens.write(record);
  const other = { authorization: `Bearer ${text}` };
  const own = await Promise.all([follow(path), follow(path), follow(path)]);
  expect(own.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await follow(path)).status).toBe(503);
  const others = await Promise.all([follow(path, other), follow(path, other)]);
  expect(others.map(({ status }) => status)).toEqual([200, 200]);
  expect((await follow(path, other)).status).toBe(503);
  own[0]?.leave();
  await expect.poll(async () => (await follow(path, other)).status).toBe(200);
});

it("needs a deployment and a token", async () => {
  expect((await follow("/v1/deployments/d9/events")).status).toBe(404);
  expect((await follow("/v1/deployments/d9/events", { authorization: "Bearer no" })).status).toBe(401);
});
