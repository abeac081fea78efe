/** The verdict that needs no set-up: green is judged by what the load balancer counts for both. */
import { expect, it } from "vitest";
import type { Behaviour } from "../../sandbox/model/behaviour.ts";
import { given, type Given, minute, onBlue } from "./given.ts";

const strategy = `
steps: [{ weight: 10 }, { pause: 12m }, { weight: 100 }]
analysis: [green-vs-blue]
`;

/** Traffic has gone on for a while when version 2 is asked for, which behaves so. */
async function deployed(behaviour: Behaviour, perMinute = 3_000): Promise<Given & { id: string }> {
  const checkout = await given(strategy, {
    world: { metrics: true, settings: { behaviours: { "demo/checkout:2": behaviour } } },
    lay: { desired: 10 },
  });
  checkout.world.traffic(checkout.laid.listener, { perMinute });
  await checkout.world.run(5 * minute);
  return { ...checkout, id: await checkout.deploy() };
}

async function whyTurnedBack({ world, laid, teal, id }: Given & { id: string }): Promise<string> {
  await world.ends(id, "rolled_back");
  expect(world.weights(laid)).toEqual(onBlue);
  return (await teal.look(id)).cause?.message ?? "";
}

it("a green that fails more requests is turned back, with the numbers in one sentence", async () => {
  const checkout = await deployed({ failShare: 0.03 });
  expect(await whyTurnedBack(checkout)).toMatch(
    /^green-vs-blue: green fails \d[.\d]* % of its requests \([\d,]+ of [\d,]+ in \d minutes\), blue 0 % \(0 of [\d,]+\): chance alone does that in fewer than 1 of [\d,]+ deployments$/,
  );
});

it("a green that gets no requests, though its weight promises some, is turned back", async () => {
  const checkout = await deployed({});
  const { world, id } = checkout;
  await world.reaches(id, "provisioning");
  // From now on changed weights read as they were written, and no request follows them.
  world.aws.settings.propagationMs = 24 * 60 * minute;
  expect(await whyTurnedBack(checkout)).toMatch(
    /^green-vs-blue: green gets 0 % of the requests \(0 of [\d,]+ in \d minutes\) where its weight promises 10 %/,
  );
});

it("a green as good as blue goes on, and the numbers are shown", async () => {
  const { world, teal, id } = await deployed({});
  await world.run(10 * minute);
  expect((await teal.look(id)).analysis).toMatchObject([
    {
      name: "green-vs-blue",
      bad: 0,
      last: {
        outcome: "good",
        what: expect.stringMatching(/^no sign that green is worse: 0 % of its requests/),
      },
    },
  ]);
  await world.ends(id, "succeeded");
});

it("too little traffic is no verdict, and is said", async () => {
  const { world, teal, id } = await deployed({}, 30);
  await world.run(10 * minute);
  expect((await teal.look(id)).analysis[0]?.last).toMatchObject({
    outcome: "unclear",
    what: expect.stringMatching(
      /^too little traffic: green has had \d+ and blue has had \d+ of the 500 requests/,
    ),
  });
});
