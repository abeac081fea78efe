/** What the records leave behind in Redis; all else is in the contract. */
import { expect, it } from "vitest";
import { createRecords } from "../../src/redis/records.ts";
import { command, decision, deployment, note } from "../contract/deployment.ts";
import { openTestRecords, type TestRecords } from "./records.ts";

/** Every key, and every member of every key, that names the deployment. */
async function traces({ redis, prefix }: TestRecords, id: string): Promise<string[]> {
  const keys = await redis.keys(`${prefix}*`);
  const found = keys.filter((key) => key.includes(id));
  for (const key of keys) {
    if ((await redis.type(key)) !== "zset") continue;
    const members = await redis.zrange(key, "0", "-1");
    found.push(...members.filter((member) => member.includes(id)).map((member) => `${key} ${member}`));
  }
  return found;
}

it("leaves no trace of a deployment that was deleted", async () => {
  const store = await openTestRecords({ settled: 0 });
  try {
    const { records } = store;
    await records.create(deployment("gone"), [note(0)], { whenBusy: "queue" });
    await records.post("gone", command("c1"), 1);
    expect(await traces(store, "gone")).not.toEqual([]);
    const held = await records.claim("gone");
    if (!held) throw new Error("absent");
    const last = decision(held.deployment, { phase: "cancelled", settled: true });
    await records.commit(held, { ...last, slot: "done" }, 1);
    expect(await traces(store, "gone")).toEqual([]);
  } finally {
    await store.close();
  }
});

it("wants a hash tag in the prefix", async () => {
  const store = await openTestRecords();
  try {
    const parts = { redis: store.redis, subscriber: () => store.redis };
    expect(() => createRecords({ ...parts, prefix: "teal" })).toThrow(/hash tag/);
  } finally {
    await store.close();
  }
});
