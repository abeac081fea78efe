/** Tokens in memory. The contract suite holds it to what the ones in Redis do. */
import { type TokenBook, type TokenRecord, tokensMax } from "../../src/auth/ports.ts";
import { TealError } from "../../src/errors.ts";

export function createMemoryTokens(): TokenBook {
  const kept = new Map<string, TokenRecord>();
  return {
    write: async (record) => {
      if (!kept.has(record.id) && kept.size >= tokensMax) throw new TealError("command-refused", "too many");
      kept.set(record.id, structuredClone(record));
    },
    writeFirst: async (record) => {
      if (kept.size > 0) return false;
      kept.set(record.id, structuredClone(record));
      return true;
    },
    find: async (id) => structuredClone(kept.get(id)),
    list: async () =>
      [...kept.values()].toSorted((a, b) => b.createdAt - a.createdAt || a.id.localeCompare(b.id)),
    remove: async (id) => kept.delete(id),
  };
}
