/**
 * Server-sent events as Teal's API writes them (WHATWG HTML, "Server-sent events"): one line of data each. No
 * dependencies: the GitHub Action runs it from its sources.
 */

/** `alive` is a comment, by which the other side says that it is there. */
export type Message = { event: string; data: string } | "alive";

const lineMax = 1_048_576;

/** Throws where a line has no end within 1 MiB. A message that is cut off is left out. */
export async function* messages(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Message, void> {
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string | undefined;
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineMax) throw new Error("a line of the event stream is too long");
    for (const written of lines) {
      const line = written.replace(/\r$/, "");
      const [, field, value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (line.startsWith(":")) yield "alive";
      else if (field === "event") event = value;
      else if (field === "data") data = value;
      else if (line === "") {
        if (data !== undefined) yield { event, data };
        event = "";
        data = undefined;
      }
    }
  }
}
