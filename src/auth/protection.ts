/** Whether it may be served without tokens. */
import type { Secret } from "../config/secret.ts";
import { TealError } from "../errors.ts";

/** Throws TealError('bad-config') where everybody could deploy, and others can reach the address. */
export function requireProtection(http: { host: string; token?: Secret; insecure: boolean }): void {
  if (!http.insecure || http.token) return;
  if (["127.0.0.1", "::1", "localhost"].includes(http.host)) return;
  throw new TealError(
    "bad-config",
    `TEAL_INSECURE=1 would let everybody who reaches ${http.host} deploy. Leave it out; or, to serve this machine alone, set TEAL_HOST=127.0.0.1.`,
  );
}
