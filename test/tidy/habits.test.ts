import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { brokenHabits, brokenLinks, codeOf, habits, linesMax, silencer, unknownCommands } from "./habits.ts";
import { programs, root, sources } from "./sources.ts";

/** The samples below are themselves text that offends. */
const itself = /^test\/tidy\//;
const code = sources(/\.(ts|mjs)$/).filter(({ path }) => !itself.test(path));

const read = (path: string) => readFileSync(root + path, "utf8");
const versions = z.record(z.string(), z.string());
const manifest = () =>
  z
    .object({ scripts: versions, dependencies: versions, devDependencies: versions, overrides: versions })
    .parse(JSON.parse(read("package.json")));

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

test("every command that the documents name exists", () => {
  const targets = [...read("Makefile").matchAll(/^(\w+):/gm)].map((match) => match[1] ?? "");
  const scripts = Object.keys(manifest().scripts);
  expect(targets).toContain("check");
  expect(sources(/\.md$/).flatMap((page) => unknownCommands(page, targets, scripts))).toEqual([]);
});

test("every dependency has an exact version, and the lock file names no registry", () => {
  const { dependencies, devDependencies, overrides } = manifest();
  const all = Object.entries({ ...dependencies, ...devDependencies, ...overrides });
  expect(all.length).toBeGreaterThan(10);
  expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  expect(read("package-lock.json")).not.toContain(`"resolved"`);
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

  test("a command that doesn't exist", () => {
    const text =
      "`make test T=x`, `make coffee`\n```sh\nA=1 make cake\n```\nmake sure `npm run lint`, `npm run away`";
    expect(unknownCommands({ path: "a.md", text }, ["test"], ["lint"])).toEqual([
      "a.md: there is no `make coffee`",
      "a.md: there is no `make cake`",
      "a.md: there is no `npm run away`",
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
