import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { brokenHabits, brokenLinks, codeOf, habits, linesMax, silencer } from "./habits.ts";
import { programs, root, sources } from "./sources.ts";

/** The samples below are themselves text that offends. */
const itself = /^test\/tidy\//;
const code = sources(/\.(ts|mjs)$/).filter(({ path }) => !itself.test(path));

test("the code keeps its habits", () => {
  expect(code.flatMap((source) => brokenHabits(source))).toEqual([]);
});

test("nothing is silenced in a comment", () => {
  expect(code.filter(({ text }) => silencer.test(text)).map(({ path }) => path)).toEqual([]);
});

test(`no file of the program is longer than ${linesMax} lines`, () => {
  const long = sources(programs).filter(({ text }) => text.split("\n").length > linesMax);
  expect(long.map(({ path }) => path)).toEqual([]);
});

test("every relative link in the documents leads somewhere", () => {
  const documents = sources(/\.md$/);
  expect(documents.flatMap((page) => brokenLinks(page, (path) => existsSync(root + path)))).toEqual([]);
});

test("every dependency has an exact version, and the lock file names no registry", () => {
  const [manifest] = sources(/^package\.json$/);
  const { dependencies, devDependencies, overrides } = JSON.parse(manifest?.text ?? "{}");
  const versions: [string, unknown][] = Object.entries({ ...dependencies, ...devDependencies, ...overrides });
  expect(versions.length).toBeGreaterThan(10);
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
  expect(sources(/^package-lock\.json$/)[0]?.text).not.toContain(`"resolved"`);
});

describe("the checks can fail", () => {
  const places: Record<string, string> = { "\\.test\\.ts$": "test/a.test.ts" };

  test.each(habits.map((habit) => [habit.name, habit] as const))("%s", (_name, habit) => {
    const path = places[habit.where.source] ?? "src/engine/sample.ts";
    expect(brokenHabits({ path, text: `\n${habit.bad}` }, [habit])).toEqual([`${path}:2: ${habit.name}`]);
    expect(brokenHabits({ path, text: habit.good }, [habit])).toEqual([]);
  });

  test("a silencing comment", () => {
    expect("// @ts-ignore").toMatch(silencer);
    expect("/* oxlint-disable no-console */").toMatch(silencer);
  });

  test("a link that leads nowhere", () => {
    const text = "[a](b.md) [c](../x/d.md#part) [e](https://example.org) [f](#here) `[g](no.md)`";
    expect(brokenLinks({ path: "docs/a.md", text }, (path) => path === "docs/b.md")).toEqual([
      "docs/a.md: the link to ../x/d.md leads nowhere",
    ]);
  });

  test("comments and strings aren't code", () => {
    expect(
      codeOf(`a("http://b"); // c\n/* d\ne */ f`)
        .split("\n")
        .map((line) => line.trim()),
    ).toEqual([`a("");`, "", "f"]);
  });
});
