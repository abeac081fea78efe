/** Where on GitHub a deployment is told of: by what started it, else by the configuration of its service. Pure. */
import type { GithubPlace } from "../src/config/github.ts";
import type { Deployment } from "../src/deployment/record.ts";
import type { Place } from "./reports.ts";

export function placeOf(
  { request: { source } }: Deployment,
  service: GithubPlace | undefined,
): Place | undefined {
  if (source) {
    const { repository, commit, deployment, url } = source;
    return {
      repository,
      ref: commit,
      environment: source.environment ?? service?.environment ?? "production",
      made: source.environment !== undefined,
      ...(deployment !== undefined && { number: deployment }),
      ...(url !== undefined && { url }),
    };
  }
  return service?.ref === undefined
    ? undefined
    : { repository: service.repository, ref: service.ref, environment: service.environment, made: false };
}
