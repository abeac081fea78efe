import {
  DescribeAlarmsCommand,
  CloudWatchClient,
  PutMetricDataCommand,
  ListMetricsCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  CreateClusterCommand,
  DescribeClustersCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import {
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { sandbox, shop } from "../support.ts";

const other = "222222222222";
const roleArn = `arn:aws:iam::${other}:role/teal`;

function scene(externalId?: string) {
  const box = sandbox();
  box.aws.sts.putRole({
    account: other,
    name: "teal",
    maxSessionSeconds: 3_600,
    ...(externalId && { externalId }),
  });
  const sts = new STSClient(box.config);
  const assume = async (more: { ExternalId?: string; DurationSeconds?: number } = {}) => {
    const answer = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: "teal", ...more }),
    );
    const {
      AccessKeyId: accessKeyId = "",
      SecretAccessKey: secretAccessKey = "",
      SessionToken: sessionToken,
    } = answer.Credentials ?? {};
    const config = { ...box.config, credentials: { accessKeyId, secretAccessKey, sessionToken } };
    return { answer, config, ecs: new ECSClient(config), elb: new ElasticLoadBalancingV2Client(config) };
  };
  return { ...box, sts, assume };
}

test("a role is assumed with its external id, and its session says who it is", async () => {
  const { sts, assume, clock } = scene("teal-42");
  const { answer, config } = await assume({ ExternalId: "teal-42" });
  expect(answer.Credentials?.Expiration?.getTime()).toBe(clock.now() + 3_600_000);
  expect(answer.AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${other}:assumed-role/teal/teal`);
  expect(await new STSClient(config).send(new GetCallerIdentityCommand())).toMatchObject({
    Account: other,
    Arn: `arn:aws:sts::${other}:assumed-role/teal/teal`,
    UserId: answer.AssumedRoleUser?.AssumedRoleId,
  });
  expect(await sts.send(new GetCallerIdentityCommand())).toMatchObject({ Account: "000000000000" });
});

test.each([
  ["without the external id", {}],
  ["with a wrong one", { ExternalId: "teal-43" }],
])("a role is refused %s", async (_, given) => {
  const { assume } = scene("teal-42");
  await expect(assume(given)).rejects.toMatchObject({
    name: "AccessDenied",
    message: `User: arn:aws:iam::000000000000:user/sandbox is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
    $metadata: { httpStatusCode: 403 },
  });
});

test("a role that is not there is refused alike, and a session longer than the role allows", async () => {
  const { sts, assume } = scene();
  const nobody = { RoleArn: `arn:aws:iam::${other}:role/nobody`, RoleSessionName: "teal" };
  await expect(sts.send(new AssumeRoleCommand(nobody))).rejects.toMatchObject({ name: "AccessDenied" });
  await expect(assume({ DurationSeconds: 7_200 })).rejects.toMatchObject({ name: "ValidationError" });
});

test("accounts know nothing of each other: same names, other ARNs, foreign ARNs not found", async () => {
  const box = scene();
  const { green, definition } = shop(box);
  const { ecs, elb, config } = await box.assume();
  const made = await ecs.send(new CreateClusterCommand({ clusterName: "demo" }));
  expect(made.cluster?.clusterArn).toBe(`arn:aws:ecs:eu-west-1:${other}:cluster/demo`);
  const registered = await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: "shop",
      containerDefinitions: [{ name: "web", image: "shop:9" }],
    }),
  );
  expect(registered.taskDefinition?.taskDefinitionArn).toBe(
    `arn:aws:ecs:eu-west-1:${other}:task-definition/shop:1`,
  );
  await expect(
    ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: definition })),
  ).rejects.toMatchObject({ name: "ClientException" });
  await expect(elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [green] }))).rejects.toMatchObject(
    { name: "TargetGroupNotFoundException" },
  );
  const home = await box.ecs.send(new DescribeClustersCommand({ clusters: ["demo"] }));
  expect(home.clusters?.map(({ clusterArn }) => clusterArn)).toEqual([
    "arn:aws:ecs:eu-west-1:000000000000:cluster/demo",
  ]);
  const metric = { Namespace: "Shop", MetricData: [{ MetricName: "Orders", Value: 1 }] };
  await new CloudWatchClient(config).send(new PutMetricDataCommand(metric));
  const seen = await new CloudWatchClient(box.config).send(new ListMetricsCommand({ Namespace: "Shop" }));
  expect(seen.Metrics).toEqual([]);
  expect(Object.keys(box.aws.snapshot())).toEqual(["eu-west-1", `${other}/eu-west-1`]);
  expect(box.calls.recent().map(({ action, account }) => `${action} ${account}`)).toContain(
    `CreateCluster ${other}`,
  );
});

test("a session ends by the sandbox's clock, in the words of each service", async () => {
  const box = scene();
  const { ecs, elb, config } = await box.assume({ DurationSeconds: 900 });
  box.clock.advance(899_000);
  await ecs.send(new DescribeClustersCommand({}));
  box.clock.advance(1_000);
  const over = { message: "The security token included in the request is expired" };
  await expect(ecs.send(new DescribeClustersCommand({}))).rejects.toMatchObject({
    name: "ExpiredTokenException",
    ...over,
  });
  await expect(elb.send(new DescribeTargetGroupsCommand({}))).rejects.toMatchObject({
    name: "ExpiredToken",
    ...over,
  });
  await expect(new CloudWatchClient(config).send(new DescribeAlarmsCommand({}))).rejects.toMatchObject({
    name: "ExpiredTokenException",
  });
});

test("a session that was never begun, or whose token is another, is refused", async () => {
  const box = scene();
  const { config } = await box.assume();
  const forged = new ECSClient({
    ...config,
    credentials: { ...config.credentials, sessionToken: "another" },
  });
  await expect(forged.send(new DescribeClustersCommand({}))).rejects.toMatchObject({
    name: "UnrecognizedClientException",
  });
});

test("a key of twelve digits is the account of that number, to look around with", async () => {
  const { config } = scene();
  const credentials = { accessKeyId: other, secretAccessKey: "any" };
  const identity = await new STSClient({ ...config, credentials }).send(new GetCallerIdentityCommand());
  expect(identity.Account).toBe(other);
});
