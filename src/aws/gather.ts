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
 * for no clock, only for what is already running.
 */
export function gathering<V>(options: {
  max: number;
  waitMs: number;
  fetch: (group: string, names: string[], deadline: number) => Promise<Map<string, V>>;
}): (group: string, name: string, deadline: number) => Promise<V | undefined> {
  const open = new Map<string, Batch<V>>();

  function begin(group: string): Batch<V> {
    const { promise: started, resolve: start } = promiseWithResolver();
    const names = new Set<string>();
    const batch: Batch<V> = {
      names,
      deadline: 0,
      go: () => {
        if (open.get(group) === batch) open.delete(group);
        start();
      },
      answer: started.then(() => options.fetch(group, [...names], batch.deadline)),
    };
    if (options.waitMs > 0) setTimeout(batch.go, options.waitMs);
    else setImmediate(batch.go);
    open.set(group, batch);
    return batch;
  }

  return async (group, name, deadline) => {
    const batch = open.get(group) ?? begin(group);
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
