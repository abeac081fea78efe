/** Reads `teal.yaml`: all that is wrong with it at once, each with its line and column. */
import { isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { Problem } from "../errors.ts";
import { presets, type Strategy } from "../deployment/strategy.ts";
import type { RouteRef, ServiceTarget } from "../deployment/target.ts";
import { disagreements } from "./agreement.ts";
import { dotted, explain, type Finding, findings } from "./explain.ts";
import { fileSchema, strategySchema, toStrategy, toTaskSet, type FileContent } from "./language.ts";

export interface ConfiguredService {
  target: ServiceTarget;
  /** The strategy of a request that names none. */
  strategy: Strategy;
  /** What becomes of a request that comes while another deployment acts and does not say. */
  whenBusy: "queue" | "reject";
}

export interface FileConfig {
  services: Record<string, ConfiguredService>;
  /** The configured strategies and the presets. */
  strategies: Record<string, Strategy>;
}

/** Most characters of a configuration file, and most problems told of one. */
const textMax = 1_048_576;
const problemsMax = 100;

/** @param name how the file is called in messages */
export function readConfigText(
  text: string,
  name: string,
): { config: FileConfig; problems: [] } | { config?: undefined; problems: Problem[] } {
  const problem = (message: string, place = ""): Problem => ({
    code: "bad-config",
    message,
    path: `${name}${place}`,
  });
  if (text.length > textMax) return { problems: [problem(`is longer than ${textMax} characters`)] };

  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => problem(`YAML: ${error.message}`, place(error.pos[0]))),
    };
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { problems: [problem(`YAML: ${error instanceof Error ? error.message : String(error)}`)] };
  }

  const parsed = fileSchema.safeParse(raw, { error: explain });
  const strategies = strategiesOf(raw);
  const found = [...(parsed.error ? findings(parsed.error.issues) : []), ...disagreements(raw, strategies)];
  if (!parsed.success || found.length > 0) {
    return {
      problems: found
        .map((finding) => ({ finding, offset: offsetOf(document, finding) }))
        .sort((a, b) => a.offset - b.offset)
        .slice(0, problemsMax)
        .map(({ finding, offset }) =>
          problem(`${dotted(finding.path) || "the file"} ${finding.message}`, place(offset)),
        ),
    };
  }
  const all = { ...presets, ...strategies };
  return { config: { services: servicesOf(parsed.data, all), strategies: all }, problems: [] };
}

function strategiesOf(raw: unknown): Record<string, Strategy> {
  const written = typeof raw === "object" && raw !== null && "strategies" in raw ? raw.strategies : undefined;
  const well: Record<string, Strategy> = {};
  for (const [name, strategy] of Object.entries(written ?? {})) {
    const parsed = strategySchema.safeParse(strategy);
    if (parsed.success) well[name] = toStrategy(name, parsed.data);
  }
  return well;
}

function servicesOf(
  content: FileContent,
  strategies: Record<string, Strategy>,
): Record<string, ConfiguredService> {
  const services: Record<string, ConfiguredService> = {};
  for (const [name, written] of Object.entries(content.services)) {
    const strategy = strategies[written.strategy];
    if (strategy === undefined) throw new Error(`strategy ${written.strategy} passed the checks unseen`);
    const [first, second] = written.targetGroups ?? [];
    const targetGroups: ServiceTarget["targetGroups"] = first && second ? [first, second] : [];
    services[name] = {
      target: {
        name,
        region: written.region,
        cluster: written.cluster,
        service: written.service,
        targetGroups,
        routes: (written.routes ?? []).map(({ listener, rule }): RouteRef => {
          return listener === undefined
            ? { kind: "rule", arn: rule ?? "" }
            : { kind: "listener", arn: listener };
        }),
        ...(written.taskSet && { taskSet: toTaskSet(written.taskSet, targetGroups) }),
      },
      strategy,
      whenBusy: written.onBusy ?? "reject",
    };
  }
  return services;
}

/** Where the finding's key or value stands in the text; of something missing, where its parent stands. */
function offsetOf(document: Document, finding: Finding): number {
  for (let length = finding.path.length; length > 0; length -= 1) {
    const parent = document.getIn(finding.path.slice(0, length - 1), true);
    const last = finding.path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last));
      if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0];
    }
    const node: unknown = document.getIn(finding.path.slice(0, length), true);
    const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
    if (Array.isArray(range) && typeof range[0] === "number") return range[0];
  }
  return 0;
}
