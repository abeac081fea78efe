/** Checks in the background: from the first weight on, whatever step it is at, while it bakes and while blue is kept. */
import { expect, it } from "vitest";
import { given, type Given, minute, onBlue } from "./given.ts";

const file = `checks: { p99: { prometheus: "https://p.example", query: q, success: value < 1, interval: 30s } }`;
const strategy = `
steps: [{ weight: 10 }, { pause: 5m }, { weight: 100 }]
analysis: [p99]
bake: 5m
retain: 1h
`;

async function watched(): Promise<Given & { id: string; measures(value: number): void }> {
  const checkout = await given(strategy, { file });
  const measures = (value: number) => {
    checkout.world.outside.value = () => ({ kind: "value", value });
  };
  measures(0.5);
  return { ...checkout, measures, id: await checkout.deploy() };
}

async function turnsBack({ world, laid, teal, id }: Given & { id: string }): Promise<void> {
  const since = world.clock.now();
  await world.ends(id, "rolled_back");
  expect((await teal.look(id)).cause).toMatchObject({
    code: "analysis-failed",
    message: "p99: 7, not value < 1",
  });
  expect(world.weights(laid)).toEqual(onBlue);
  const { events } = (await teal.get(`/v1/deployments/${id}/events?limit=500`)).body;
  const found = events.find(
    ({ type, outcome }: { type: string; outcome?: string }) => type === "check" && outcome === "bad",
  );
  expect(Date.parse(found.at) - since).toBeLessThanOrEqual(30_000);
}

it("begin with the first weight", async () => {
  const { world, shows } = await watched();
  await world.until("green's creation", () => world.sets().length > 1);
  expect(world.outside.asks).toEqual([]);
  await shows(10);
  await world.run(minute);
  expect(world.outside.asks.length).toBeGreaterThanOrEqual(2);
});

it("turn the deployment back in the middle of a pause", async () => {
  const checkout = await watched();
  await checkout.standsAt(checkout.id, "pause-2");
  await checkout.world.run(2 * minute);
  expect((await checkout.teal.look(checkout.id)).analysis).toMatchObject([
    { name: "p99", bad: 0, last: { outcome: "good", what: "0.5: value < 1" } },
  ]);
  checkout.measures(7);
  await turnsBack(checkout);
});

it("turn it back while somebody has paused it", async () => {
  const checkout = await watched();
  await checkout.standsAt(checkout.id, "pause-2");
  await checkout.teal.ask(checkout.id, "pause");
  checkout.measures(7);
  await turnsBack(checkout);
});

it("turn it back while it bakes", async () => {
  const checkout = await watched();
  await checkout.world.reaches(checkout.id, "baking");
  await checkout.world.run(2 * minute);
  checkout.measures(7);
  await turnsBack(checkout);
});

it("turn it back while blue is kept, green being PRIMARY", async () => {
  const checkout = await watched();
  await checkout.world.reaches(checkout.id, "retaining");
  await checkout.world.run(20 * minute);
  checkout.measures(7);
  await turnsBack(checkout);
  expect(checkout.world.sets()).toMatchObject([
    { status: "PRIMARY", taskDefinition: expect.stringMatching(/checkout:1$/) },
  ]);
});
