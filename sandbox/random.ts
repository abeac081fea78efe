/** Numbers that look random and repeat exactly from their seed; each call gives the next one in [0, 1). */
export type Random = () => number;

/** Mulberry32: small, quick, good enough to share traffic and to draw ids. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `length` characters drawn from `alphabet`. */
export function randomText(random: Random, length: number, alphabet: string): string {
  let text = "";
  for (let i = 0; i < length; i++) text += alphabet.charAt(Math.floor(random() * alphabet.length));
  return text;
}
