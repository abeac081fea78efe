/** Asks of one kind that come close together share one call. */

interface Batch<V> {
  names: Set<string>;
  /** The latest deadline of those who ask; each of them still minds its own. */
  deadline: number;
  answer: Promise<Map<string, V>>;
  go: () => void;
}

/**
 * Returns an `ask` whose calls are shared: a call begins after every ask that it answers, `waitMs` after the
 * first of them or as soon as `max` names are together. It rejects where the call does. With `waitMs` 0 it waits
 * for no clock, only for what is already running. Asks of groups with different keys never share one.
 */
export function gathering<G, V>(options: {
  max: number;
  waitMs: number;
  keyOf: (group: G) => string;
  fetch: (group: G, names: string[], deadline: number) => Promise<Map<string, V>>;
}): (group: G, name: string, deadline: number) => Promise<V | undefined> {
  const open = new Map<string, Batch<V>>();

  function begin(group: G, key: string): Batch<V> {
    const { promise: started, resolve: start } = promiseWithResolver();
    const names = new Set<string>();
    const batch: Batch<V> = {
      names,
      deadline: 0,
      go: () => {
        if (open.get(key) === batch) open.delete(key);
        start();
      },
      answer: started.then(() => options.fetch(group, [...names], batch.deadline)),
    };
    if (options.waitMs > 0) setTimeout(batch.go, options.waitMs);
    else setImmediate(batch.go);
    open.set(key, batch);
    return batch;
  }

  return async (group, name, deadline) => {
    const key = options.keyOf(group);
    const batch = open.get(key) ?? begin(group, key);
    batch.names.add(name);
    batch.deadline = Math.max(batch.deadline, deadline);
    if (batch.names.size >= options.max) batch.go();
    return (await batch.answer).get(name);
  };
}

function nothing(): void {}

function promiseWithResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = nothing;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
