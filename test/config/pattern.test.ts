import { expect, it } from "vitest";
import { isLike } from "../../src/config/pattern.ts";

it.each<[string, string, boolean]>([
  ["main", "main", true],
  ["main2", "main", false],
  ["release/1", "release/*", true],
  ["release/", "release/*", true],
  ["release", "release/*", false],
  ["my-release/1", "release/*", false],
  ["checkout-eu-west", "checkout-*-west", true],
  // Each star takes what is left: the two ends must not overlap.
  ["ab", "ab*b", false],
  ["aXbXc", "a*b*c", true],
  ["acb", "a*b*c", false],
  ["", "*", true],
  ["a.c", "a?c", false],
])("%s is like %s: %s", (text, pattern, like) => {
  expect(isLike(text, pattern)).toBe(like);
});
