/** Whether blue can take its traffic back. */
import { tasksFor } from "../traffic.ts";
import { blueHealthy, greenHealthy, type View } from "../view.ts";

/**
 * Traffic goes back when blue can take it, when green is worse off, or when nothing can be seen and nothing was
 * ever taken from blue.
 */
export function mayFlip(v: View): boolean {
  if (isBlueFit(v)) return true;
  const blue = blueHealthy(v);
  if (blue === undefined) return !isBlueGone(v) && !v.d.blueShrunk && v.blue?.scalePercent !== 0;
  return blue > 0 && blue >= (greenHealthy(v) ?? 0);
}

/** Enough healthy targets, not steadiness: a single task being replaced must not hold up a rollback. */
export function isBlueFit(v: View): boolean {
  const healthy = blueHealthy(v);
  const desired = v.service?.desiredCount ?? v.d.desiredAtStart ?? 1;
  // Nobody waits for tasks of a service that is scaled to nothing; one that isn't found says nothing.
  const isEmpty = v.service?.status === "ACTIVE" && desired === 0;
  if (v.d.blue === undefined || isEmpty) return true;
  const full = Math.max(1, tasksFor(desired, v.d.blue.scalePercent));
  return healthy !== undefined && healthy >= Math.ceil(full * 0.8);
}

export function isBlueGone(v: View): boolean {
  const gone = v.blue === undefined || v.blue.status === "DRAINING";
  return v.service !== undefined && v.d.blue !== undefined && gone;
}
