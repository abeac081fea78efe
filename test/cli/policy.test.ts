import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { startBuilt } from "../support/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-policy-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function policy(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { NO_COLOR: "1", FORCE_COLOR: undefined, NODE_OPTIONS: undefined, TEAL_CONFIG: undefined };
  const teal = startBuilt("src/cli/main.js", ["policy", ...args], { name: "teal", env });
  const { code } = await teal.exited;
  return { code, output: teal.output() };
}

function written(text: string): string {
  const path = join(folder, "teal.yaml");
  writeFileSync(path, text);
  return path;
}

const role = "arn:aws:iam::222222222222:role/teal";
const teal = "arn:aws:iam::111111111111:role/teal";
const both = `services:
  here: { service: here }
  there: { service: there, account: { roleArn: "${role}", externalId: ledger-42 } }
defaults: { region: eu-west-1, cluster: prod, strategy: all-at-once }
`;

it("prints the example's policy as one document, ready for a file", async () => {
  const { code, output } = await policy("examples/teal.yaml");
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ Version: "2012-10-17", Statement: expect.any(Array) });
});

it("prints a headed policy for each role beside, with the trust that it needs", async () => {
  const { code, output } = await policy(written(both), "--principal", teal);
  expect(code).toBe(0);
  expect(output.match(/^\S.*policy$/gm)).toEqual([
    "Teal's own identity: policy",
    `${role}: policy`,
    `${role}: trust policy`,
  ]);
  const trust: unknown = JSON.parse(output.split("trust policy\n")[1] ?? "");
  expect(trust).toMatchObject({
    Statement: [
      { Principal: { AWS: teal }, Condition: { StringEquals: { "sts:ExternalId": ["ledger-42"] } } },
    ],
  });
});

it("prints one document for programs", async () => {
  const tasks = "arn:aws:iam::222222222222:role/web";
  const { code, output } = await policy(written(both), "--json", "--task-role", tasks);
  expect(code).toBe(0);
  const { grants }: { grants: { roleArn?: string; policy: object }[] } = JSON.parse(output);
  expect(grants.map(({ roleArn }) => roleArn)).toEqual([undefined, role]);
  expect(JSON.stringify(grants[1])).toContain(tasks);
});

it("tells what is wrong with the file, and what is no ARN", async () => {
  const wrong = await policy(written(both.replace("role/teal", "user/teal")));
  expect(wrong.code).toBe(1);
  expect(wrong.output).toMatch(
    /teal\.yaml:3:\d+ services\.there\.account\.roleArn must be the ARN of a role/,
  );
  const nobody = await policy(written(both), "--principal", "teal");
  expect(nobody.code).toBe(2);
  expect(nobody.output).toContain("teal is no ARN of a role or user");
});
