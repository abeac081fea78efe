import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../src/config/environment.ts";

const valueOf = (text: string) => readEnvironment({ TEAL_TRUST_PROXY: text }).environment?.TEAL_TRUST_PROXY;
const problemsOf = (env: Record<string, string>) =>
  readEnvironment(env).problems.map(({ message }) => message);

describe("TEAL_TRUST_PROXY", () => {
  it("lists addresses and networks; nobody is trusted where it's left out", () => {
    expect(valueOf("10.20.0.0/16, 192.0.2.7,fd12::/16, ::1")).toEqual([
      "10.20.0.0/16",
      "192.0.2.7/32",
      "fd12::/16",
      "::1/128",
    ]);
    expect(readEnvironment({}).environment?.TEAL_TRUST_PROXY).toBeUndefined();
  });

  it.each(["1", "true", "*", "proxy.example", "10.0.0.0/33", "10.0.0.1:80", "uniquelocal", "10.0.0.1,,"])(
    "refuses %s",
    (text) => {
      expect(problemsOf({ TEAL_TRUST_PROXY: text })[0]).toMatch(
        /^TEAL_TRUST_PROXY has the entry ".*", not an address or a network such as 10\.20\.0\.0\/16$/,
      );
    },
  );

  it("refuses more than anybody has", () => {
    const many = Array.from({ length: 51 }, (_, index) => `10.0.0.${index}`).join();
    expect(problemsOf({ TEAL_TRUST_PROXY: many })).toEqual(["TEAL_TRUST_PROXY must be at most 50 entries"]);
  });
});

it.each(["-1", "many", "100001"])("TEAL_RATE_LIMIT and its other refuse %s", (text) => {
  expect(problemsOf({ TEAL_RATE_LIMIT: text, TEAL_RATE_LIMIT_FAILURES: text })).toEqual([
    "TEAL_RATE_LIMIT must be a whole number from 0 to 100000",
    "TEAL_RATE_LIMIT_FAILURES must be a whole number from 1 to 100000",
  ]);
});
