import { afterEach, beforeEach, expect, it, vi } from "vitest";
import pc from "picocolors";
import type { DeliveryView } from "../../src/api/contract.ts";
import { drawDeliveries, drawDelivery } from "../../src/cli/deliveries.ts";
import { token } from "../api/support/stage.ts";
import {
  changed,
  deliver,
  headersFor,
  payload,
  type WebhookStage,
  webhookStage,
} from "../api/support/webhooks.ts";
import { startBuilt } from "../support/processes.ts";

// Each of them starts many processes.
vi.setConfig({ testTimeout: 60_000 });

let stage: WebhookStage;
let url: string;
beforeEach(async () => {
  stage = await webhookStage(`
  main:
    from: github
    on: workflow_run
    when: { repository.full_name: acme/checkout, workflow_run.head_branch: main }
    deploy: { service: checkout, images: { web: "ghcr.io/acme/checkout:{{ workflow_run.head_sha }}" } }
`);
  url = await stage.app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => stage.app.close());

async function teal(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { TEAL_URL: url, TEAL_TOKEN: token, NO_COLOR: "1", FORCE_COLOR: undefined };
  const process = startBuilt("src/cli/main.js", args, { name: "teal", env });
  const { code } = await process.exited;
  return { code, output: process.output() };
}

async function sent(values: Record<string, unknown>): Promise<string> {
  const text = changed(payload("workflow_run"), values);
  const { headers } = await deliver(stage, "github", text, headersFor.github(text, "workflow_run"));
  return String(headers["teal-delivery"]);
}

const view: DeliveryView = {
  id: "0123456789abcdef01234567",
  source: "github",
  event: "workflow_run",
  sentAs: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
  sentAt: "2026-06-02T08:59:58.000Z",
  receivedAt: "2026-06-02T09:00:00.000Z",
  results: [
    { outcome: "started", webhook: "main", service: "checkout", deployment: "checkout-1" },
    {
      outcome: "ignored",
      webhook: "nightly",
      service: "worker",
      why: "workflow_run.name is build, not nightly",
    },
    {
      outcome: "refused",
      webhook: "search",
      service: "search",
      code: "busy",
      message: "search-1 acts\u001b[31m",
      problems: [],
      fix: "Wait.",
    },
  ],
  bytes: 18_721,
  redeliverable: true,
  redelivers: "a123456789abcdef01234567",
  by: { kind: "operator", name: "ada" },
};
const plain = pc.createColors(false);

it("draws a line for each, and one in full", () => {
  const now = Date.parse("2026-06-02T09:04:00Z");
  const woke: DeliveryView = {
    id: view.id,
    source: "eventbridge",
    event: "CloudWatch Alarm State Change",
    sentAt: view.sentAt,
    receivedAt: view.receivedAt,
    results: [{ outcome: "woke", deployments: ["checkout-1"] }],
    bytes: 1_480,
    redeliverable: true,
  };
  expect(`${drawDeliveries([view, woke], now, 200, plain).join("\n")}\n`).toBe(`\
delivery                  ago     led to                                                from
0123456789abcdef01234567  4m 00s  checkout-1; nightly: ignored; search: refused (busy)  github workflow_run (again)
0123456789abcdef01234567  4m 00s  woke checkout-1                                       eventbridge CloudWatch Alarm State Change
`);
  expect(drawDelivery(view, plain).join("\n")).toBe(`0123456789abcdef01234567
  from      github workflow_run
  sent as   72d3162e-cc78-11e3-81ab-4c9367dc0958
  came      2026-06-02 09:00 UTC, again; it says 2026-06-02 08:59 UTC
  repeats   a123456789abcdef01234567, asked by ada
  payload   18721 bytes
  ✓ main: started checkout-1
  · nightly: ignored: workflow_run.name is build, not nightly
  ✗ search: refused (busy): search-1 acts [31m
    → Wait.`);
});

it("lists, shows one, and has it carried out again", async () => {
  expect((await teal("deliveries")).output).toBe("No deliveries.\n");
  const id = await sent({ "workflow_run.head_branch": "develop" });
  const listed = await teal("deliveries", "--webhook", "main", "--outcome", "ignored");
  expect(listed.output).toMatch(new RegExp(`^delivery .*\n${id} .* main: ignored +github workflow_run\n$`));
  const shown = await teal("deliveries", id);
  expect(shown.output).toContain("  · main: ignored: workflow_run.head_branch is develop, not main\n");
  expect(JSON.parse((await teal("deliveries", id, "--json")).output)).toMatchObject({
    id,
    payload: { action: "completed" },
  });

  expect((await teal("redeliver", id)).code).toBe(1);
  stage.configure(`
  main: { from: github, on: workflow_run, when: { repository.full_name: acme/checkout }, deploy: { service: checkout, taskDefinition: "web:1" } }
`);
  const again = await teal("redeliver", id);
  expect([again.code, again.output]).toEqual([0, expect.stringContaining("  ✓ main: started d1\n")]);
  expect((await teal("redeliver", id, "--again")).code).toBe(3);
  expect((await teal("redeliver", "0".repeat(24))).code).toBe(2);
});
