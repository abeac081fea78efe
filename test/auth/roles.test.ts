import { describe, expect, it } from "vitest";
import { permit } from "../../src/auth/identity.ts";
import { type Grant, may, mayAnywhere } from "../../src/auth/roles.ts";

const one: Grant[] = [{ role: "operator", services: ["checkout", "shop-*"] }];
const all: Grant[] = [{ role: "deployer", services: ["*"] }];
const answering: Grant[] = [{ role: "operator", services: ["*"], actions: ["answer"] }];

describe("a grant", () => {
  it.each([
    ["its own service", one, "deploy", "checkout", true],
    ["a service that its pattern fits", one, "steer", "shop-basket", true],
    ["a foreign service", one, "view", "search", false],
    ["a service whose name only begins like its own", one, "view", "checkout-2", false],
    ["what the role has not", one, "administer", "checkout", false],
    ["any service, with a star", all, "deploy", "search", true],
    ["what an operator has, to a deployer", all, "override", "search", false],
    ["the one action it is cut down to", answering, "answer", "search", true],
    ["the rest of the role, cut down", answering, "view", "search", false],
  ] as const)("for %s", (_what, grants, action, service, right) => {
    expect(may(grants, action, service)).toBe(right);
  });

  it("is one for Teal as a whole only with a star alone", () => {
    expect(may(one, "deploy")).toBe(false);
    expect(may([{ role: "operator", services: ["*o*"] }], "deploy")).toBe(false);
    expect(may(all, "deploy")).toBe(true);
  });

  it("gives a right somewhere where it gives it for any service", () => {
    expect(mayAnywhere(one, "deploy")).toBe(true);
    expect(mayAnywhere(one, "administer")).toBe(false);
    expect(mayAnywhere([], "view")).toBe(false);
  });
});

it("a refusal names who, what, where, and the roles that have it", () => {
  const bob = { name: "bob", kind: "operator", via: "token", grants: one, id: "token 1" } as const;
  expect(() => permit(bob, "deploy", "checkout")).not.toThrow();
  expect(() => permit(bob, "approve", "search")).toThrow(
    expect.objectContaining({
      code: "forbidden",
      message:
        "bob may not approve for service search; it takes the role approver or operator or admin there.",
    }),
  );
});
