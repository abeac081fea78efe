/** The tables of docs/verdict.md are those that `make verdict` prints; TEAL_UPDATE=1 writes them there. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { falseAlarms, found, full, inTime, markdown } from "../../bench/verdict/tables.ts";

const file = "docs/verdict.md";
const table = /(?:^\|.*\n)+/gm;

/** What stands above the first column. */
const nameOf = (rows: string) => rows.split("|")[1]?.trim() ?? "";

it("docs/verdict.md has the tables of the full size", { timeout: 300_000 }, () => {
  const printed = markdown(falseAlarms(full), found(full), inTime(full)).split("\n\n");
  const page = readFileSync(file, "utf8");
  const anew = page.replace(
    table,
    (old) => printed.filter((rows) => nameOf(rows) === nameOf(old)).map((rows) => `${rows}\n`)[0] ?? old,
  );
  if (process.env["TEAL_UPDATE"] === "1") writeFileSync(file, anew);
  const tables = readFileSync(file, "utf8").match(table) ?? [];
  expect(tables.map((rows) => rows.trimEnd())).toEqual(expect.arrayContaining(printed));
});
