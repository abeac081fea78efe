import { expect, it } from "vitest";
import { bearerCheck, requireProtection } from "../../src/auth/bearer.ts";
import { Secret } from "../../src/config/secret.ts";

const token = new Secret("0123456789abcdef");

it("lets only the token pass", () => {
  const check = bearerCheck(token);
  expect(() => check("Bearer 0123456789abcdef")).not.toThrow();
  expect(() => check("bearer  0123456789abcdef")).not.toThrow();
});

it.each([undefined, "", "Bearer", "Bearer 0123456789abcdeg", "0123456789abcdef"])("refuses %o", (wrong) => {
  expect(() => bearerCheck(token)(wrong)).toThrow(expect.objectContaining({ code: "unauthorized" }));
});

it.each([
  { host: "0.0.0.0", insecure: false },
  { host: "0.0.0.0", insecure: true },
  { host: "127.0.0.1", insecure: false },
])("refuses to serve %o", (http) => {
  expect(() => requireProtection(http)).toThrow(/TEAL_TOKEN.*TEAL_INSECURE=1/s);
});

it.each([
  { host: "127.0.0.1", insecure: true },
  { host: "::1", insecure: true },
  { host: "0.0.0.0", insecure: false, token },
])("serves %o", (http) => {
  expect(() => requireProtection(http)).not.toThrow();
});
