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
  /** The same story, as far as it is about a service. */
  of(service: string): Story;
  colors: Colors;
}

/** Columns that a line may take. */
export const width = 100;

const timeWidth = 10;
const nameWidth = 10;

export function tellStory(write: (text: string) => void, colored: boolean, startedAt = Date.now()): Story {
  const colors = pc.createColors(colored);
  const tell = (service: string, text: string, style = (shown: string) => shown) => {
    const time = `${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  `;
    const name = service.padEnd(nameWidth);
    const [first = "", ...more] = wrapped(text, width - timeWidth - nameWidth);
    const lines = [
      `${colors.dim(time)}${colors.cyan(name)}${style(first)}`,
      ...more.map((line) => `${" ".repeat(timeWidth + nameWidth)}${style(line)}`),
    ];
    write(`${lines.map((line) => line.trimEnd()).join("\n")}\n`);
  };
  const storyOf = (service: string): Story => ({
    act: (title) => write(`\n${colors.bold(`${service}: ${title}`)}\n`),
    typed: (command) => tell(service, `$ ${command}`, colors.bold),
    line: (text) => tell(service, brief(text)),
    stress: (text) => tell(service, brief(text), colors.yellow),
    of: storyOf,
    colors,
  });
  return storyOf("");
}

const charactersMax = 300;

/** Names instead of ARNs, the first reason of several, and no more than can be read in passing. */
export function brief(text: string): string {
  const [first = ""] = text.split(" | ");
  const named = first.replaceAll(/arn:aws[^\s/)]*\/([^\s/)]+)(?:\/[^\s)]*)?/g, "$1");
  return named.length <= charactersMax ? named : `${named.slice(0, charactersMax - 1)}…`;
}

/** Lines of whole words, none wider than `columns` unless a word is; a number keeps its `%`. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/ (?!%)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
