import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readConfigText } from "../../src/config/file.ts";
import { review } from "../../src/config/review.ts";
import { stageYaml } from "../api/support/stage.ts";

const lines = stageYaml.split("\n").length;

/** Problems of webhooks written after the stage's services, by line within them. */
function problems(webhooks: string): string[] {
  return readConfigText(`${stageYaml}\nwebhooks:\n${webhooks}`, "teal.yaml").problems.map(
    ({ path = "", message }) => {
      const [, line = "0", column] = path.split(":");
      return `${Number(line) - lines - 1}:${column} ${message}`;
    },
  );
}

const at = "when: { repository.full_name: acme/checkout }";
const deploy = 'deploy: { service: checkout, taskDefinition: "web:1" }';

it("is well-formed with everything in it", () => {
  expect(
    problems(`
  main:
    from: github
    on: workflow_run
    when: { repository.full_name: "acme/*", workflow_run.head_branch: [main, "release/*"], workflow_run.run_attempt: 1 }
    deploy:
      service: checkout
      images: { web: "ghcr.io/acme/checkout:{{workflow_run.head_sha}}" }
      taskDefinition: web
      strategy: careful
      whenBusy: supersede
      build: "{{ workflow_run.run_number }}"
      reason: "{{ workflow_run.html_url }}"
  pushed: { from: eventbridge, on: ECR Image Action, when: { detail.repository-name: checkout }, deploy: { service: "{{ detail.repository-name }}", images: { web: "x:{{ detail.image-tag }}" }, committedAt: "{{ time }}" } }
  any: { from: generic, when: { "steps.0.ok": true }, ${deploy} }
`),
  ).toEqual([]);
});

describe("what is wrong is told with its line and what is allowed", () => {
  it.each<[string, string, string[]]>([
    [
      "another sender",
      `  one: { from: gitlab, on: push, ${at}, ${deploy} }`,
      ["1:10 webhooks.one.from must be github or eventbridge or generic"],
    ],
    [
      "an event that GitHub has, but Teal doesn't take",
      `  one: { from: github, on: push, ${at}, ${deploy} }`,
      ['1:24 webhooks.one.on must be "deployment" or "workflow_run" or "release" or "registry_package"'],
    ],
    [
      "an event of a generic one",
      `  one: { from: generic, on: push, when: { a: b }, ${deploy} }`,
      ["1:25 webhooks.one.on is not known here; allowed are from, when, deploy"],
    ],
    [
      "no condition",
      `  one: { from: generic, when: {}, ${deploy} }`,
      ["1:25 webhooks.one.when must be 1 to 20 conditions"],
    ],
    [
      "no repository",
      `  one: { from: github, on: release, when: { release.prerelease: false }, ${deploy} }`,
      [
        "1:37 webhooks.one.when must have repository.full_name (or, of packages without a repository, registry_package.namespace)",
      ],
    ],
    [
      "anybody's repository",
      `  one: { from: github, on: release, when: { repository.full_name: [acme/checkout, "*/checkout"] }, ${deploy} }`,
      ["1:45 webhooks.one.when.repository.full_name must name the owner in full, such as acme/*"],
    ],
    [
      "a path that is none",
      `  one: { from: generic, when: { "a..b": c }, ${deploy} }`,
      [
        "1:33 webhooks.one.when.a..b must be a path into the payload such as workflow_run.head_branch, with at most 10 keys",
      ],
    ],
    [
      "a condition that is a mapping",
      `  one: { from: generic, when: { a: { b: c } }, ${deploy} }`,
      ["1:33 webhooks.one.when.a must be a text, a number, true or false, or a list of these"],
    ],
    [
      "places that are none",
      `  one: { from: generic, when: { a: b }, deploy: { service: "{{ a | lower }}", taskDefinition: "web:{{" } }`,
      [
        "1:51 webhooks.one.deploy.service has {{ a | lower }}, which is no path into the payload such as {{ release.tag_name }}",
        "1:79 webhooks.one.deploy.taskDefinition has braces that don't close",
      ],
    ],
    [
      "nothing to deploy",
      `  one: { from: generic, when: { a: b }, deploy: { service: checkout } }`,
      ["1:41 webhooks.one.deploy must have taskDefinition, images or both"],
    ],
    [
      "two numbers of the build",
      `  one: { from: generic, when: { a: b }, deploy: { service: checkout, taskDefinition: "web:1", build: "{{ a }}", committedAt: "{{ b }}" } }`,
      ["1:41 webhooks.one.deploy must have build or committedAt, not both"],
    ],
    [
      "a service and a strategy that aren't there",
      `  one: { from: generic, when: { a: b }, deploy: { service: payments, taskDefinition: "web:1", strategy: bold } }`,
      [
        "1:51 webhooks.one.deploy.service names no service: there is no payments; there are checkout, worker",
        expect.stringContaining(
          "webhooks.one.deploy.strategy names no strategy: there are careful, by-scale",
        ),
      ],
    ],
    [
      "a strategy that doesn't suit the service",
      `  one: { from: generic, when: { a: b }, deploy: { service: worker, taskDefinition: "web:1", strategy: careful } }`,
      [expect.stringContaining("the service has no routes to share traffic on")],
    ],
    [
      "a task definition of another region",
      `  one: { from: generic, when: { a: b }, deploy: { service: worker, taskDefinition: "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1" } }`,
      [expect.stringContaining("is in region us-east-1, but the service is in eu-west-1")],
    ],
  ])("%s", (_, text, found) => {
    expect(problems(text)).toEqual(found);
  });
});

it("a review tells what starts what, and which key it takes", () => {
  const text = `${stageYaml}\nwebhooks:\n  main: { from: github, on: release, ${at}, ${deploy} }\n`;
  const { webhooks, needs, apiNeeds } = review(text, "teal.yaml", 0);
  expect(webhooks).toEqual([
    {
      name: "main",
      from: "github",
      on: "release",
      service: "checkout",
      when: ["action is published", "repository.full_name is acme/checkout"],
    },
  ]);
  expect([needs, apiNeeds]).toEqual([[], ["TEAL_GITHUB_SECRET"]]);
});

it("what docs/webhooks.md writes is well-formed, and so is the example", () => {
  const text = readFileSync("docs/webhooks.md", "utf8");
  const blocks = [...text.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, block = ""]) => block);
  const written = blocks.filter((block) => /^ *from:/m.test(block));
  expect(written).toHaveLength(4);
  for (const block of written) {
    const webhooks = block.startsWith("webhooks:\n") ? block : `webhooks:\n${block.replaceAll(/^/gm, "  ")}`;
    const { config, problems: wrong } = readConfigText(`${stageYaml}\n${webhooks}`, "teal.yaml");
    expect(wrong).toEqual([]);
    expect(Object.keys(config?.webhooks ?? {})).toHaveLength(1);
  }
  expect(
    Object.keys(readConfigText(readFileSync("examples/teal.yaml", "utf8"), "").config?.webhooks ?? {}),
  ).toEqual(["checkout-main", "search-pushed"]);
});
