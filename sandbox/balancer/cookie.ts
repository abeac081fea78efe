/*
 * Stickiness cookies. AWS's are encrypted and so opaque; these carry the
 * plain value and when it ends, which is easier to look at while rehearsing.
 */

/** Keeps a client on one target group of a forward. */
export const groupCookie = "AWSALBTG";
/** Keeps a client on one target of a group. */
export const targetCookie = "AWSALB";

/** A `Set-Cookie` value; it is sent anew with every answer, so that an active client stays. */
export function setCookie(name: string, value: string, now: number, durationSeconds: number): string {
  const expiresAt = now + durationSeconds * 1000;
  const content = Buffer.from(`${expiresAt} ${value}`).toString("base64url");
  return `${name}=${content}; Expires=${new Date(expiresAt).toUTCString()}; Path=/`;
}

/** The value that `setCookie` put in, unless it is missing, has ended, or isn't ours. */
export function readCookie(header: string | undefined, name: string, now: number): string | undefined {
  if (header === undefined) return undefined;
  for (const part of header.split(";")) {
    const at = part.indexOf("=");
    if (at < 0 || part.slice(0, at).trim() !== name) continue;
    const content = Buffer.from(part.slice(at + 1).trim(), "base64url").toString();
    const space = content.indexOf(" ");
    if (Number(content.slice(0, space)) > now) return content.slice(space + 1);
  }
  return undefined;
}
