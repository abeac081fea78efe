import type { z } from "zod";
import { AwsError, validationError } from "../error.ts";
import type { Region } from "../region.ts";
import type * as shapes from "./shapes.ts";
import type { ElbTag } from "./shapes.ts";

const tagsPerResource = 50;

export function describeTags(region: Region, input: z.output<typeof shapes.describeTags>) {
  return {
    TagDescriptions: input.ResourceArns.map((arn) => ({ ResourceArn: arn, Tags: tagsOf(region, arn) })),
  };
}

export function addTags(region: Region, input: z.output<typeof shapes.addTags>) {
  if (input.Tags.some((tag) => tag.Key.toLowerCase().startsWith("aws:")))
    throw validationError("Tag keys that begin with aws: are reserved");
  for (const arn of input.ResourceArns) {
    const kept = tagsOf(region, arn).filter((tag) => !input.Tags.some((other) => other.Key === tag.Key));
    if (kept.length + input.Tags.length > tagsPerResource)
      throw new AwsError("TooManyTags", `A resource takes at most ${tagsPerResource} tags`);
    region.elb.tags.set(arn, [...kept, ...input.Tags]);
  }
  return {};
}

export function removeTags(region: Region, input: z.output<typeof shapes.removeTags>) {
  for (const arn of input.ResourceArns) {
    const kept = tagsOf(region, arn).filter((tag) => !input.TagKeys.includes(tag.Key));
    region.elb.tags.set(arn, kept);
  }
  return {};
}

function tagsOf(region: Region, arn: string): ElbTag[] {
  const tags = region.elb.tags.get(arn);
  if (tags !== undefined) return tags;
  const code = arn.includes(":targetgroup/")
    ? "TargetGroupNotFound"
    : arn.includes(":listener-rule/")
      ? "RuleNotFound"
      : arn.includes(":listener/")
        ? "ListenerNotFound"
        : "LoadBalancerNotFound";
  throw new AwsError(code, `One or more resources not found: '${arn}'`);
}
