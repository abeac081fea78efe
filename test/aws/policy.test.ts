/** What IAM must grant: all that the code calls and AWS implies, no more, and as the page on permissions shows it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { grantsFor, impliedActions, type Policy } from "../../src/aws/policy.ts";
import { deployablesOf } from "../../src/config/review.ts";
import { arn, service } from "../config/reading.ts";

const pagePath = new URL("../../docs/aws-permissions.md", import.meta.url);
const page = readFileSync(pagePath, "utf8");

/** What the page shows: one service at home and one behind a role, with every kind of route and check. */
const shown = grantsFor(deployables(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ""), {
  principal: "arn:aws:iam::111111111111:role/teal",
  taskRoles: ["arn:aws:iam::111111111111:role/checkout-task", "arn:aws:iam::111111111111:role/execution"],
});
const [own, there] = shown;

describe("the actions", () => {
  test("are those of the SDK's commands, and those that AWS implies", () => {
    const granted = actionsOf(own?.policy);
    expect(granted).toEqual([...new Set([...called(code()), ...Object.keys(impliedActions)])].toSorted());
    expect(actionsOf(there?.policy).filter((action) => !granted.includes(action))).toEqual([]);
  });

  test("have the names under which failures and the audit tell of them", () => {
    const effects = readFileSync(new URL("../../src/deployment/effect.ts", import.meta.url), "utf8");
    expect(named([...code(), effects].join("\n"))).toEqual(called(code()));
  });

  test("are found in the code by the commands that it imports", () => {
    const planted = 'import {\n  StopTaskCommand,\n  type Task,\n} from "@aws-sdk/client-ecs";';
    expect(called([planted])).toEqual(["ecs:StopTask"]);
  });

  test("are all on the page, with why, and no others", () => {
    const [tables = ""] = page.split("## The least policy");
    expect(named(tables)).toEqual(actionsOf(own?.policy));
  });
});

test("the page shows the policy and the trust policy that are printed", () => {
  const documents = [own?.policy, there?.trust];
  const blocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  expect(blocks).toHaveLength(documents.length);
  if (process.env["TEAL_UPDATE"] === "1") {
    let nth = 0;
    const updated = page.replaceAll(
      /```json\n[\s\S]*?```/g,
      () => `\`\`\`json\n${JSON.stringify(documents[nth++], undefined, 2)}\n\`\`\``,
    );
    writeFileSync(pagePath, updated);
    return;
  }
  expect(blocks.map((block): unknown => JSON.parse(block))).toEqual(documents);
});

describe("the grants", () => {
  test("say nothing of load balancers and CloudWatch where no route and no check needs them", () => {
    const [only, ...others] = grantsFor(deployables(file(unrouted("worker"))));
    expect(others).toEqual([]);
    expect(actionsOf(only?.policy).filter((action) => !/^(ecs|iam):/.test(action))).toEqual([]);
    // Nothing tells the account, which is the identity's own in any case.
    expect(resourcesOf(only?.policy, "Promote")).toEqual(["arn:aws:ecs:eu-west-1:*:service/prod/worker"]);
  });

  test("name each route, and only the actions of the kinds of routes that there are", () => {
    const [only] = grantsFor(
      deployables(
        file(
          service("one", "strategy: plain") + service("two", "strategy: plain") + unrouted("worker"),
          "[green-vs-blue]",
        ),
      ),
    );
    expect(resourcesOf(only?.policy, "ShiftRules")).toEqual([
      arn("listener-rule", "app/web/one"),
      arn("listener-rule", "app/web/two"),
    ]);
    const actions = actionsOf(only?.policy);
    expect(actions).toContain("cloudwatch:GetMetricData");
    expect(actions).not.toContain("cloudwatch:DescribeAlarms");
    expect(actions).not.toContain("elasticloadbalancing:ModifyListener");
    expect(resourcesOf(only?.policy, "Promote")).toContain(
      "arn:aws:ecs:eu-west-1:123456789012:service/prod/worker",
    );
    expect(resourcesOf(only?.policy, "PassTaskRoles")).toEqual(["arn:aws:iam::123456789012:role/*"]);
  });

  test("are apart for each role, whose trust names every external id that it is assumed with", () => {
    const role = "arn:aws:iam::222222222222:role/teal";
    const at = (id: string) => `, account: { roleArn: "${role}", externalId: ${id} }`;
    const services =
      unrouted("a", at("first")) +
      unrouted("b", at("second")) +
      unrouted("c").replace("eu-west-1", "us-east-1");
    const grants = grantsFor(deployables(file(services)), {
      taskRoles: ["arn:aws:iam::222222222222:role/web"],
    });
    expect(grants.map(({ roleArn }) => roleArn)).toEqual([undefined, role]);
    expect(resourcesOf(grants[0]?.policy, "AssumeRoles")).toEqual([role]);
    expect(resourcesOf(grants[0]?.policy, "Promote")).toEqual(["arn:aws:ecs:us-east-1:*:service/prod/c"]);
    expect(resourcesOf(grants[1]?.policy, "Promote")).toEqual([
      "arn:aws:ecs:eu-west-1:222222222222:service/prod/a",
      "arn:aws:ecs:eu-west-1:222222222222:service/prod/b",
    ]);
    expect(resourcesOf(grants[1]?.policy, "PassTaskRoles")).toEqual(["arn:aws:iam::222222222222:role/web"]);
    expect(grants[1]?.trust?.Statement).toMatchObject([
      {
        Principal: { AWS: "arn:aws:iam::ACCOUNT:role/TEAL" },
        Condition: { StringEquals: { "sts:ExternalId": ["first", "second"] } },
      },
    ]);
  });

  test("of other accounts alone leave Teal itself nothing but to assume roles, in their partition", () => {
    const services = unrouted("a", ', account: { roleArn: "arn:aws-cn:iam::222222222222:role/teal" }');
    const [own, there] = grantsFor(deployables(file(services)));
    expect(actionsOf(own?.policy)).toEqual(["sts:AssumeRole"]);
    expect(resourcesOf(there?.policy, "Create")).toEqual([
      "arn:aws-cn:ecs:eu-west-1:222222222222:task-set/prod/a/*",
    ]);
    expect(there?.trust?.Statement[0]).not.toHaveProperty("Condition");
  });
});

function unrouted(name: string, more = ""): string {
  return `  ${name}: { region: eu-west-1, cluster: prod, service: ${name}, strategy: all-at-once ${more} }\n`;
}

/** A file of these services, whose strategy `plain` has these checks in the background. */
function file(services: string, checks = "[]"): string {
  return `services:\n${services}strategies: { plain: { steps: [{ weight: 100 }], analysis: ${checks} } }\ndefaults: { analysis: [] }\n`;
}

function deployables(text: string) {
  const { services, problems } = deployablesOf(text, "teal.yaml");
  expect(problems).toEqual([]);
  return services;
}

function code(): string[] {
  const folder = new URL("../../src/aws/", import.meta.url);
  // The policy itself calls nothing.
  const files = readdirSync(folder).filter((name) => name !== "policy.ts");
  return files.map((name) => readFileSync(new URL(name, folder), "utf8"));
}

const prefixes: Record<string, string> = {
  ecs: "ecs",
  "elastic-load-balancing-v2": "elasticloadbalancing",
  cloudwatch: "cloudwatch",
  sts: "sts",
};

/** The actions behind the commands that are imported; one that is not used is the compiler's to tell. */
function called(texts: readonly string[]): string[] {
  const actions = texts.flatMap((text) =>
    [...text.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-([a-z0-9-]+)"/g)].flatMap(
      ([, names = "", client = ""]) => {
        const prefix = prefixes[client];
        if (prefix === undefined)
          throw new Error(`what IAM calls the actions of ${client} is not known here`);
        return [...names.matchAll(/(?<!type )\b([A-Z]\w+)Command\b/g)].map(
          ([, action = ""]) => `${prefix}:${action}`,
        );
      },
    ),
  );
  return [...new Set(actions)].toSorted();
}

/** The actions that a text names in quotes. */
function named(text: string): string[] {
  const found = text.match(/\b(?:ecs|elasticloadbalancing|cloudwatch|sts|iam):[A-Z][A-Za-z]+(?=["`])/g);
  return [...new Set(found)].toSorted();
}

function actionsOf(policy: Policy | undefined): string[] {
  return [...new Set(policy?.Statement.flatMap(({ Action }) => Action))].toSorted();
}

function resourcesOf(policy: Policy | undefined, sid: string): string[] | undefined {
  return policy?.Statement.find(({ Sid }) => Sid === sid)?.Resource;
}
