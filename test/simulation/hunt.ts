/** Runs a planted fault over seeds until a promise's checker sees it. */
import type { PlantedFault } from "./planted.ts";
import { simulate } from "./simulation.ts";

export interface Caught {
  name: string;
  /** Seeds that it took, the first one counting as one; absent: not within the limit. */
  seeds?: number;
  /** The promise that was seen broken. */
  promise?: number;
}

export async function hunt(fault: PlantedFault | undefined, limit: number): Promise<Caught> {
  if (!fault) throw new Error("there is no such planted fault");
  const { name, breaks, make, provoke } = fault;
  for (let seed = 1; seed <= limit; seed++) {
    const { violations } = await simulate({ seed, planted: make(), ...(provoke && { adjust: provoke }) });
    const promise = violations.map((line) => Number(line.split(" ")[0])).find((n) => breaks.includes(n));
    if (promise !== undefined) return { name, seeds: seed, promise };
  }
  return { name };
}
