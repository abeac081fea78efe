import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { occasions } from "./occasions.ts";
import { plantedFaults } from "./planted.ts";
import { simulate } from "./simulation.ts";

const run = promisify(execFile);
const main = "dist/test/simulation/main.js";
const page = "docs/simulation.md";

/** The built program, with a thread for each core. Fails with what it printed. */
async function simulateAs(...args: string[]): Promise<string> {
  const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };
  try {
    return (await run(process.execPath, [main, ...args], { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const printed = error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
    throw new Error(printed.slice(-20_000), { cause: error });
  }
}

it("keeps every promise in small worlds, and everything ends", { timeout: 900_000 }, async () => {
  const printed = await simulateAs("--seeds", "2500");
  process.stdout.write(printed);
  expect(printed).toContain("every promise was kept");
  // A promise that nothing put to the test was kept in vain.
  const times = Object.fromEntries(
    [...printed.matchAll(/^ {2}(.+): (\d+)$/gm)].map(([, what, n]) => [what, Number(n)]),
  );
  expect(Object.keys(times)).toEqual([...occasions]);
  expect(Object.entries(times).filter(([, n]) => n === 0)).toEqual([]);
});

it("keeps every promise in large worlds, and everything ends", { timeout: 200_000 }, async () => {
  expect(await simulateAs("--seeds", "6", "--large")).toContain("every promise was kept");
});

it("gives the same run for the same seed, whoever else runs", async () => {
  const [first, second] = [await simulate({ seed: 12 }), await simulate({ seed: 12 })];
  expect(second).toEqual(first);
  const alone = await histories("1");
  expect(alone).toMatch(/\w{16}/);
  expect(await histories("2")).toBe(alone);
});

it("decides past AWS's protocols what it decides over them", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const overThem = await simulate({ seed, wire: "sdk" });
    expect(await simulate({ seed, wire: "direct" })).toEqual(overThem);
  }
});

it("sees every fault planted in Teal", { timeout: 400_000 }, async () => {
  const table = (await simulateAs("--planted")).trim();
  expect(table.split("\n")).toHaveLength(plantedFaults.length);
  const text = await readFile(page, "utf8");
  const between = /(<!-- planted:begin -->)[^]*?(<!-- planted:end -->)/;
  const wanted = text.replace(between, `$1\n\n${head}${table}\n\n$2`);
  if (process.env["TEAL_UPDATE"]) await writeFile(page, wanted);
  // Off because Teal or the simulation changed: TEAL_UPDATE=1 writes it anew.
  else expect(rows(text)).toEqual(rows(wanted));
});

async function histories(jobs: string): Promise<string | undefined> {
  return /^histories: .*$/m.exec(await simulateAs("--seeds", "24", "--jobs", jobs))?.[0];
}

const head = "| fault | promise seen broken | seeds until seen |\n|---|---|---|\n";

/** The cells of the table, however it is laid out. */
function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => /^\| .*\d +\|$/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
}
