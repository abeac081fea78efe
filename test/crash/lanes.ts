/** Does the work for each item, so many side by side, the first ones first; the answers are in the items' order. */
export async function inLanes<T, R>(
  items: readonly T[],
  atATime: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [n, item] of left) results[n] = await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return results;
}
