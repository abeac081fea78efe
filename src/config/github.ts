/** `github`: where deployments are told of, beside Teal itself. */
import { z } from "zod";
import { text, url } from "./words.ts";

/** What a service's deployments are on GitHub. */
export interface GithubPlace {
  /** `acme/checkout` */
  repository: string;
  environment: string;
  /** What is said to be deployed where nothing that started it tells a commit; without it those aren't told of. */
  ref?: string;
}

/** `acme/checkout`. It becomes a part of GitHub's paths, so `..` is none. */
export const repositoryPattern = /^[\w-]{1,39}\/(?!\.{1,2}$)[\w.-]{1,100}$/;

export const githubSchema = z
  .strictObject({
    api: url
      .optional()
      .describe("Of GitHub Enterprise Server: https://HOST/api/v3. Default https://api.github.com."),
  })
  .describe("GitHub, which is told of deployments where the workers have TEAL_GITHUB_TOKEN.");

export const placeSchema = z
  .strictObject({
    repository: z.string().regex(repositoryPattern, { error: "must be OWNER/NAME, such as acme/checkout" }),
    environment: text().optional().describe("Default production."),
    ref: text()
      .optional()
      .describe(
        "Branch, tag or commit that is named for deployments whose commit nothing tells. Left out: those aren't told of.",
      ),
  })
  .describe("Whose deployments GitHub shows them as.");

export function toGithub({ api = "https://api.github.com" }: z.output<typeof githubSchema> = {}): {
  api: string;
} {
  return { api: api.replace(/\/+$/, "") };
}

export function toPlace({
  repository,
  environment = "production",
  ref,
}: z.output<typeof placeSchema>): GithubPlace {
  return { repository, environment, ...(ref !== undefined && { ref }) };
}
