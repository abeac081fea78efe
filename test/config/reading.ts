/** Reads pieces of `teal.yaml` in tests: what they come to, and what is wrong with them. */
import type { FileConfig } from "../../src/config/configured.ts";
import { readConfigText } from "../../src/config/file.ts";
import type { Outside } from "../../src/config/outside.ts";
import type { Strategy } from "../../src/deployment/strategy.ts";

/** `line:column path message` of everything wrong with the text. */
export function wrong(text: string, outside?: Outside): string[] {
  return readConfigText(text, "t", outside).problems.map(
    ({ path, message }) => `${path?.slice(2)} ${message}`,
  );
}

/** The same without places, for text that is about something else. */
export function faults(text: string, outside?: Outside): string[] {
  return wrong(text, outside).map((line) => line.replace(/^\d+:\d+ /, ""));
}

export function read(text: string): FileConfig {
  const { config } = readConfigText(text, "t");
  if (!config) throw new Error(wrong(text).join("\n"));
  return config;
}

export const arn = (kind: "targetgroup" | "listener" | "listener-rule", name: string, region = "eu-west-1") =>
  `arn:aws:elasticloadbalancing:${region}:123456789012:${kind}/${name}/73e2d6bc24d8a067`;

/** A service with a pair and a route; `more` are further lines of it. */
export function service(name: string, more = ""): string {
  return [
    `  ${name}:`,
    `    region: eu-west-1`,
    `    cluster: prod`,
    `    service: ${name}`,
    `    targetGroups: [${arn("targetgroup", `${name}-a`)}, ${arn("targetgroup", `${name}-b`)}]`,
    `    routes: [{ rule: ${arn("listener-rule", `app/web/${name}`)} }]`,
    more.replaceAll(/^(?=.)/gm, "    "),
    "",
  ].join("\n");
}

/** The strategy `s` of these lines, as a service with routes and test routes has it. */
export function strategy(body: string, rest = ""): Strategy {
  const found = read(`services: {}\nstrategies:\n  s:${indented(body)}\n${rest}`).strategies["s"];
  if (!found) throw new Error("there is no strategy s");
  return found;
}

/** What is wrong with the strategy `s` of these lines, without the places. */
export function faultsOf(body: string, rest = ""): string[] {
  return faults(`services: {}\nstrategies:\n  s:${indented(body)}\n${rest}`);
}

function indented(body: string): string {
  return body.includes("\n") || /^\w+: ?/.test(body) ? `\n${body.replaceAll(/^/gm, "    ")}` : ` ${body}`;
}
