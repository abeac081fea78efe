import { expect, it } from "vitest";
import type { Deployment } from "../../src/deployment/record.ts";
import { placeOf } from "../../workers/place.ts";
import { faults, read, service } from "./reading.ts";

const place = (written: string) =>
  read(`services:\n${service("checkout", `strategy: all-at-once\ngithub: ${written}`)}`).services["checkout"]
    ?.github;

/** As much of a deployment as its place depends on. */
const of = (source?: Deployment["request"]["source"]) =>
  ({ request: source ? { source } : {} }) as unknown as Deployment;

it("says where GitHub is, and what a service is there", () => {
  expect(read("services: {}").github).toEqual({ api: "https://api.github.com" });
  expect(read("services: {}\ngithub: { api: https://ghe.example/api/v3/ }").github.api).toBe(
    "https://ghe.example/api/v3",
  );
  expect(place("{ repository: acme/checkout }")).toEqual({
    repository: "acme/checkout",
    environment: "production",
  });
  expect(place("{ repository: acme/a.b_c, environment: eu, ref: main }")).toEqual({
    repository: "acme/a.b_c",
    environment: "eu",
    ref: "main",
  });
});

it.each(["acme", "acme/checkout/x", "https://github.com/acme/checkout", "../x"])(
  "has no repository %s",
  (repository) => {
    expect(
      faults(
        `services:\n${service("checkout", `strategy: all-at-once\ngithub: { repository: "${repository}" }`)}`,
      ),
    ).toEqual(["services.checkout.github.repository must be OWNER/NAME, such as acme/checkout"]);
  },
);

it("a deployment is where what started it says, else where its service is", () => {
  const configured = { repository: "acme/infra", environment: "eu", ref: "main" };
  const source = { repository: "acme/checkout", commit: "abc" };
  expect(placeOf(of(), undefined)).toBeUndefined();
  expect(placeOf(of(), { repository: "acme/infra", environment: "eu" })).toBeUndefined();
  expect(placeOf(of(), configured)).toEqual({ ...configured, made: false });
  expect(placeOf(of(source), undefined)).toEqual({
    repository: "acme/checkout",
    ref: "abc",
    environment: "production",
    made: false,
  });
  expect(placeOf(of(source), configured)).toMatchObject({ repository: "acme/checkout", environment: "eu" });
  expect(placeOf(of({ ...source, environment: "qa", deployment: 7, url: "u" }), configured)).toEqual({
    repository: "acme/checkout",
    ref: "abc",
    environment: "qa",
    made: true,
    number: 7,
    url: "u",
  });
});
