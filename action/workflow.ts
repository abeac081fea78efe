/**
 * Speaking to GitHub's runner: lines and commands for the log, outputs, the summary (GitHub docs, "Workflow commands
 * for GitHub Actions"). What others wrote can't become a command.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";

export interface Workflow {
  /** One line of the log. */
  say(text: string): void;
  /** Opens a foldable part of the log; the one before is closed. */
  group(title: string): void;
  endGroup(): void;
  /** From now on the runner shows it as ***. */
  mask(secret: string): void;
  /** Shown beside the run. */
  notice(title: string, text: string): void;
  warning(title: string, text: string): void;
  error(title: string, text: string): void;
  output(name: string, value: string): void;
  /** For the action's part after the job, as `STATE_<name>`. */
  keep(name: string, value: string): void;
  /** Markdown, below those of other steps. */
  summary(markdown: string): void;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function createWorkflow(env: Environment, write: (text: string) => void): Workflow {
  let open = false;
  const command = (name: string, text: string, title?: string) => {
    const properties = title === undefined ? "" : ` title=${escapeProperty(title)}`;
    write(`::${name}${properties}::${escapeData(text)}\n`);
  };
  const endGroup = () => {
    if (open) command("endgroup", "");
    open = false;
  };
  const file = (variable: string, text: string) => {
    const path = env[variable];
    if (path) appendFileSync(path, text);
  };
  return {
    say: (text) => write(`${plainLine(text)}\n`),
    group: (title) => {
      endGroup();
      command("group", clean(title));
      open = true;
    },
    endGroup,
    mask: (secret) => command("add-mask", secret),
    notice: (title, text) => command("notice", text, clean(title)),
    warning: (title, text) => command("warning", text, clean(title)),
    error: (title, text) => command("error", text, clean(title)),
    output: (name, value) => file("GITHUB_OUTPUT", pair(name, value)),
    keep: (name, value) => file("GITHUB_STATE", pair(name, value)),
    summary: (markdown) => file("GITHUB_STEP_SUMMARY", `${markdown}\n`),
  };
}

/** The delimiter is nobody's to guess, so that no value ends early and goes on as another one. */
function pair(name: string, value: string): string {
  const delimiter = `teal_${randomUUID()}`;
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** The runner takes `::` at the beginning of a line for a command, and the older `##[` anywhere in it. */
function plainLine(text: string): string {
  const line = clean(text).replaceAll("##[", "## [");
  return line.startsWith("::") ? `· ${line}` : line;
}

/** Without control characters and what turns the direction of writing. */
export function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
}
