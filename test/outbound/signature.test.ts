import { expect, it } from "vitest";
import { safeId, signatureHeaders } from "../../src/outbound/signature.ts";

const key = (text: string) => ({ reveal: () => text });

it("signs as the reference implementations of Standard Webhooks do, by the vector in their tests", () => {
  expect(
    signatureHeaders([key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")], {
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      at: 1_614_265_330_999,
      body: '{"test": 2432232314}',
    }),
  ).toEqual({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

it("signs with every key, the signatures parted by spaces", () => {
  const message = { id: "a", at: 0, body: "{}" };
  const [one, two] = [key(`whsec_${btoa("1".repeat(24))}`), key(`whsec_${btoa("2".repeat(24))}`)];
  const alone = [one, two].map((each) => signatureHeaders([each], message)["webhook-signature"]);
  expect(new Set(alone).size).toBe(2);
  expect(signatureHeaders([one, two], message)["webhook-signature"]).toBe(alone.join(" "));
});

it.each([
  ["dep_01/careful.2/1", "dep_01/careful%2E2/1"],
  ["a%2Eb", "a%252Eb"],
  ["ü\n 👍", "%C3%BC%0A%20%F0%9F%91%8D"],
])("writes the id %j without what parts or ends a header, each in its own way", (id, safe) => {
  expect(safeId(id)).toBe(safe);
});
