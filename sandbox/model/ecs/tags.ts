import type { z } from "zod";
import { AwsError, invalidParameter } from "../error.ts";
import type { Region } from "../region.ts";
import type * as shapes from "./shapes.ts";
import type { Tag } from "./shapes.ts";

const tagsPerResource = 50;

/** Refuses too many tags, doubled keys and AWS's own prefix. */
export function checkTags(tags: readonly Tag[]): void {
  if (tags.length > tagsPerResource)
    throw invalidParameter(
      `The number of tags ${tags.length} is greater than the maximum of ${tagsPerResource}.`,
    );
  if (new Set(tags.map((tag) => tag.key)).size < tags.length)
    throw invalidParameter("Duplicate tag keys found. Tag keys must be unique.");
  if (tags.some((tag) => tag.key.toLowerCase().startsWith("aws:")))
    throw invalidParameter("The tag key cannot begin with aws: as that prefix is reserved.");
}

export function tagsOf(region: Region, arn: string): Tag[] {
  return region.ecs.tags.get(arn) ?? [];
}

/** Safe to repeat. */
export function tagResource(region: Region, input: z.output<typeof shapes.tagResource>) {
  const present = existing(region, input.resourceArn);
  const kept = present.filter((tag) => !input.tags.some((other) => other.key === tag.key));
  const tags = [...kept, ...input.tags];
  checkTags(input.tags);
  if (tags.length > tagsPerResource)
    throw invalidParameter(
      `The number of tags ${tags.length} is greater than the maximum of ${tagsPerResource}.`,
    );
  region.ecs.tags.set(input.resourceArn, tags);
  return {};
}

export function untagResource(region: Region, input: z.output<typeof shapes.untagResource>) {
  const kept = existing(region, input.resourceArn).filter((tag) => !input.tagKeys.includes(tag.key));
  region.ecs.tags.set(input.resourceArn, kept);
  return {};
}

export function listTagsForResource(region: Region, input: z.output<typeof shapes.listTagsForResource>) {
  return { tags: existing(region, input.resourceArn) };
}

function existing(region: Region, arn: string): Tag[] {
  const tags = region.ecs.tags.get(arn);
  if (tags === undefined)
    throw new AwsError("ResourceNotFoundException", `The specified resource is not found: ${arn}`);
  return tags;
}
