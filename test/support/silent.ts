import type { EngineLog } from "../../src/engine/engine.ts";

/** A log for tests: nobody reads it. */
export const silent: EngineLog = { info() {}, warn() {}, error() {}, child: () => silent };
