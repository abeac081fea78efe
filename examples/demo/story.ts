/** What the audience reads while the demo runs: few lines, each with the time since the beginning. */
import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

export interface Story {
  /** A new act. */
  act(title: string): void;
  /** What a person types. */
  typed(command: string): void;
  line(text: string): void;
  /** Something that one should not miss. */
  stress(text: string): void;
  colors: Colors;
}

export function tellStory(write: (text: string) => void, colored: boolean, startedAt = Date.now()): Story {
  const colors = pc.createColors(colored);
  const time = () => colors.dim(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  `);
  return {
    act: (title) => write(`\n${colors.bold(title)}\n`),
    typed: (command) => write(`${time()}${colors.cyan("$")} ${colors.bold(command)}\n`),
    line: (text) => write(`${time()}${brief(text)}\n`),
    stress: (text) => write(`${time()}${colors.yellow(brief(text))}\n`),
    colors,
  };
}

const charactersMax = 160;

/** Names instead of ARNs, the first reason of several, and no more than fits. */
export function brief(text: string): string {
  const [first = ""] = text.split(" | ");
  const named = first.replaceAll(/arn:aws[^\s/)]*\/([^\s/)]+)(?:\/[^\s)]*)?/g, "$1");
  return named.length <= charactersMax ? named : `${named.slice(0, charactersMax - 1)}…`;
}
