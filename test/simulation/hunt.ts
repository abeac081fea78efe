/** Runs a planted fault over seeds until a checker sees it; prints or returns how many that took. */
import type { PlantedFault } from "./planted.ts";
import { simulate } from "./simulation.ts";

export interface Caught {
  name: string;
  /** Seeds until it was caught, the first one counting as one; undefined: not within the limit. */
  seeds: number | undefined;
  violation: string | undefined;
}

export async function hunt(fault: PlantedFault, limit: number): Promise<Caught> {
  for (let seed = 1; seed <= limit; seed++) {
    const { violations } = await simulate({
      seed,
      planted: fault.make(),
      ...(fault.provoke && { adjust: fault.provoke }),
    });
    const violation = violations.find((line) => fault.breaks.includes(Number(line.split(" ")[0])));
    if (violation) return { name: fault.name, seeds: seed, violation };
  }
  return { name: fault.name, seeds: undefined, violation: undefined };
}
