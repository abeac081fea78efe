import { z } from "zod";
import { flag, list } from "../formInput.ts";

/*
 * Inputs of the ELBv2 actions. The query protocol sends text only, so numbers
 * are also taken as text.
 */

const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+$/, "must be a number")
    .transform(Number),
]);
const names = list(z.string());

const tag = z.object({ Key: z.string().min(1).max(128), Value: z.string().max(256).default("") });
export type ElbTag = z.output<typeof tag>;
const tags = list(tag).default([]);

const matcher = z.object({ HttpCode: z.string().optional(), GrpcCode: z.string().optional() });

const forwardConfig = z.object({
  TargetGroups: list(z.object({ TargetGroupArn: z.string(), Weight: number.optional() })).default([]),
  TargetGroupStickinessConfig: z
    .object({ Enabled: flag.optional(), DurationSeconds: number.optional() })
    .optional(),
});

export const action = z.object({
  Type: z.enum([
    "forward",
    "fixed-response",
    "redirect",
    "authenticate-oidc",
    "authenticate-cognito",
    "jwt-validation",
  ]),
  Order: number.optional(),
  TargetGroupArn: z.string().optional(),
  ForwardConfig: forwardConfig.optional(),
  FixedResponseConfig: z
    .object({
      StatusCode: z.string().regex(/^[245]\d\d$/, "must be 2XX, 4XX or 5XX"),
      ContentType: z.string().optional(),
      MessageBody: z.string().max(1024).optional(),
    })
    .optional(),
  RedirectConfig: z
    .object({
      Protocol: z.string().optional(),
      Port: z.string().optional(),
      Host: z.string().optional(),
      Path: z.string().optional(),
      Query: z.string().optional(),
      StatusCode: z.enum(["HTTP_301", "HTTP_302"]),
    })
    .optional(),
  AuthenticateOidcConfig: z
    .object({
      Issuer: z.string(),
      AuthorizationEndpoint: z.string(),
      TokenEndpoint: z.string(),
      UserInfoEndpoint: z.string(),
      ClientId: z.string(),
      ClientSecret: z.string().optional(),
      SessionCookieName: z.string().optional(),
      Scope: z.string().optional(),
      SessionTimeout: number.optional(),
      AuthenticationRequestExtraParams: z.unknown().optional(),
      OnUnauthenticatedRequest: z.string().optional(),
      UseExistingClientSecret: flag.optional(),
    })
    .optional(),
  AuthenticateCognitoConfig: z.looseObject({ UserPoolArn: z.string() }).optional(),
  JwtValidationConfig: z.looseObject({}).optional(),
});
export type ActionInput = z.output<typeof action>;

export const condition = z.object({
  Field: z.string().optional(),
  Values: names.optional(),
  HostHeaderConfig: z.object({ Values: names.default([]) }).optional(),
  PathPatternConfig: z.object({ Values: names.default([]) }).optional(),
  HttpHeaderConfig: z.object({ HttpHeaderName: z.string(), Values: names.default([]) }).optional(),
  QueryStringConfig: z
    .object({
      Values: list(z.object({ Key: z.string().optional(), Value: z.string().default("") })).default([]),
    })
    .optional(),
  HttpRequestMethodConfig: z.object({ Values: names.default([]) }).optional(),
  SourceIpConfig: z.object({ Values: names.default([]) }).optional(),
});
export type Condition = z.output<typeof condition>;

const marker = {
  Marker: z.string().optional(),
  PageSize: number.pipe(z.number().int().min(1).max(400)).default(400),
};

export const createLoadBalancer = z.object({
  Name: z.string().regex(/^[A-Za-z0-9-]{1,32}$/),
  Type: z.enum(["application", "network", "gateway"]).default("application"),
  Scheme: z.string().default("internet-facing"),
  Subnets: names.default([]),
  SecurityGroups: names.default([]),
  IpAddressType: z.string().default("ipv4"),
  Tags: tags,
});
export const describeLoadBalancers = z.object({
  LoadBalancerArns: names.optional(),
  Names: names.optional(),
  ...marker,
});
export const deleteLoadBalancer = z.object({ LoadBalancerArn: z.string() });

const seconds = (min: number, max: number) => number.pipe(z.number().int().min(min).max(max));
export const createTargetGroup = z.object({
  Name: z.string().regex(/^[A-Za-z0-9-]{1,32}$/),
  Protocol: z.string().default("HTTP"),
  ProtocolVersion: z.string().optional(),
  Port: seconds(1, 65_535).default(80),
  VpcId: z.string().optional(),
  TargetType: z.enum(["instance", "ip", "lambda", "alb"]).default("instance"),
  HealthCheckProtocol: z.string().optional(),
  HealthCheckPort: z.string().default("traffic-port"),
  HealthCheckEnabled: flag.default(true),
  HealthCheckPath: z.string().optional(),
  HealthCheckIntervalSeconds: seconds(5, 300).default(30),
  HealthCheckTimeoutSeconds: seconds(2, 120).default(5),
  HealthyThresholdCount: seconds(2, 10).default(5),
  UnhealthyThresholdCount: seconds(2, 10).default(2),
  Matcher: matcher.optional(),
  IpAddressType: z.string().default("ipv4"),
  Tags: tags,
});
export const modifyTargetGroup = z.object({
  TargetGroupArn: z.string(),
  HealthCheckPath: z.string().optional(),
  HealthCheckIntervalSeconds: seconds(5, 300).optional(),
  HealthCheckTimeoutSeconds: seconds(2, 120).optional(),
  HealthyThresholdCount: seconds(2, 10).optional(),
  UnhealthyThresholdCount: seconds(2, 10).optional(),
  Matcher: matcher.optional(),
});
export const describeTargetGroups = z.object({
  LoadBalancerArn: z.string().optional(),
  TargetGroupArns: names.optional(),
  Names: names.optional(),
  ...marker,
});
export const targetGroupOnly = z.object({ TargetGroupArn: z.string() });
export const modifyTargetGroupAttributes = z.object({
  TargetGroupArn: z.string(),
  Attributes: list(z.object({ Key: z.string(), Value: z.string().default("") })),
});

const target = z.object({ Id: z.string(), Port: seconds(1, 65_535).optional() });
export const targets = z.object({ TargetGroupArn: z.string(), Targets: list(target) });
export const describeTargetHealth = z.object({
  TargetGroupArn: z.string(),
  Targets: list(target).optional(),
});

export const createListener = z.object({
  LoadBalancerArn: z.string(),
  Protocol: z.string().optional(),
  Port: seconds(1, 65_535).optional(),
  SslPolicy: z.string().optional(),
  Certificates: list(z.looseObject({ CertificateArn: z.string().optional() })).optional(),
  AlpnPolicy: names.optional(),
  DefaultActions: list(action),
  Tags: tags,
});
export const modifyListener = createListener
  .omit({ LoadBalancerArn: true, Tags: true, DefaultActions: true })
  .extend({ ListenerArn: z.string(), DefaultActions: list(action).optional() });
export const describeListeners = z.object({
  LoadBalancerArn: z.string().optional(),
  ListenerArns: names.optional(),
  ...marker,
});
export const deleteListener = z.object({ ListenerArn: z.string() });

const priority = seconds(1, 50_000);
export const createRule = z.object({
  ListenerArn: z.string(),
  Priority: priority,
  Conditions: list(condition),
  Actions: list(action),
  Tags: tags,
});
export const modifyRule = z.object({
  RuleArn: z.string(),
  Conditions: list(condition).optional(),
  Actions: list(action).optional(),
});
export const deleteRule = z.object({ RuleArn: z.string() });
export const describeRules = z.object({
  ListenerArn: z.string().optional(),
  RuleArns: names.optional(),
  Marker: z.string().optional(),
  /** A page of rules has at most 100. */
  PageSize: number.pipe(z.number().int().min(1).max(400)).default(100),
});
export const setRulePriorities = z.object({
  RulePriorities: list(z.object({ RuleArn: z.string(), Priority: priority })),
});

export const describeTags = z.object({ ResourceArns: names });
export const addTags = z.object({ ResourceArns: names, Tags: list(tag) });
export const removeTags = z.object({ ResourceArns: names, TagKeys: names });
