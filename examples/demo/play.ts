/** Plays a demo as a program: prints its story, its result, and ends with a code that tells. */
import { describe } from "./programme.ts";
import { type DemoOptions, runDemo } from "./demo.ts";
import { tellStory } from "./story.ts";

const demoMsMax = 10 * 60_000;

/** `json`: the story goes to standard error, the result as one line of JSON to standard output. */
export async function play(
  options: Omit<DemoOptions, "story" | "signal">,
  { json }: { json: boolean },
): Promise<never> {
  const output = json ? process.stderr : process.stdout;
  const story = tellStory(
    (text) => void output.write(text),
    output.isTTY && process.env["NO_COLOR"] === undefined,
  );
  const stopped = new AbortController();
  let code = 1;
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ] as const) {
    process.on(signal, () => {
      // Asked twice: it can't wait.
      if (stopped.signal.aborted) process.exit(code);
      code = 128 + number;
      stopped.abort(new Error(`stopped by ${signal}`));
    });
  }
  const limit = setTimeout(
    () => stopped.abort(new Error(`it takes longer than ${demoMsMax / 60_000} minutes`)),
    demoMsMax,
  );
  try {
    const result = await runDemo({ ...options, story, signal: stopped.signal });
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else process.stdout.write(describe(result, story.colors));
    if (result.ok) code = 0;
  } catch (error) {
    const told: unknown = stopped.signal.aborted ? stopped.signal.reason : error;
    story.stress(`The demo ends early: ${told instanceof Error ? told.message : String(told)}`);
  }
  clearTimeout(limit);
  process.exit(code);
}
