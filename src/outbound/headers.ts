/** Headers as a check or a hook writes them, with the secrets they name. */
import type { HeaderValue } from "../deployment/check.ts";
import { CallFailed } from "./fault.ts";

/** A secret that shows itself only when asked. */
export interface Hidden {
  reveal(): string;
}

export interface Filled {
  /** By names in lower case. */
  values: Record<string, string>;
  /** The text without the secrets among the values, should the other side have repeated one. */
  hide: (text: string) => string;
}

/** Those that say where a request goes and where it ends are the connection's own. */
const reserved =
  /^(?:host|connection|content-length|content-encoding|transfer-encoding|accept-encoding|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/;

/** Throws `CallFailed` for a secret that isn't there (`stuck`) and for what can't be a header (`refuse`). */
export function fillHeaders(
  written: Readonly<Record<string, HeaderValue>>,
  secrets: Readonly<Record<string, Hidden>>,
  action: string,
): Filled {
  const values: Record<string, string> = {};
  const hidden: string[] = [];
  for (const [name, value] of Object.entries(written)) {
    const filled = "text" in value ? value.text : secretOf(name, value.secret);
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || reserved.test(name.toLowerCase())) {
      throw unfit(`the header ${JSON.stringify(name)} can't be set`);
    }
    if (!/^[\t\x20-\x7e]*$/.test(filled)) throw unfit(`the header ${name} must be printable ASCII`);
    values[name.toLowerCase()] = filled;
    if ("secret" in value) hidden.push(filled, JSON.stringify(filled).slice(1, -1));
  }
  return {
    values,
    hide: (text) => hidden.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text),
  };

  function secretOf(header: string, name: string): string {
    const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (secret !== undefined) return secret.reveal();
    const message = `the header ${header} needs the secret ${name}; set TEAL_SECRET_${name} or TEAL_SECRET_${name}_FILE`;
    throw new CallFailed({ class: "stuck", code: "NoSecret", message, action });
  }

  function unfit(message: string): CallFailed {
    return new CallFailed({ class: "refuse", code: "BadHeader", message, action });
  }
}
