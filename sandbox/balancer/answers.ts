import type { ServerResponse } from "node:http";
import type { Answer, ListenerView, RequestHead } from "../model/traffic.ts";

/*
 * What the balancer answers by itself: fixed responses, redirects, and the
 * errors of a request that no target answered.
 */

const reasons: Record<number, string> = {
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
};

/** The load balancer's own error, in AWS's words, with the cause in a header that AWS doesn't send. */
export function sendError(response: ServerResponse, status: 502 | 503 | 504, cause: string): void {
  const title = `${status} ${reasons[status]}`;
  send(
    response,
    status,
    "text/html",
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
    { server: "awselb/2.0", "x-sandbox-cause": cause },
  );
}

export function sendFixed(response: ServerResponse, answer: Extract<Answer, { kind: "fixed" }>): void {
  send(response, answer.status, answer.contentType ?? "text/plain; charset=utf-8", answer.body ?? "", {
    server: "awselb/2.0",
  });
}

export function sendRedirect(
  response: ServerResponse,
  answer: Extract<Answer, { kind: "redirect" }>,
  head: RequestHead,
  listener: ListenerView,
): void {
  const location = redirectLocation(answer, head, listener);
  send(response, answer.status, "text/html", "", { server: "awselb/2.0", location });
}

/** Where a redirect leads, its #{…} filled in from the request. */
export function redirectLocation(
  answer: Extract<Answer, { kind: "redirect" }>,
  head: RequestHead,
  listener: ListenerView,
): string {
  const url = new URL(`http://${head.host ?? "localhost"}`);
  const known: Record<string, string> = {
    protocol: listener.protocol.toLowerCase(),
    host: url.hostname,
    port: url.port === "" ? String(listener.port) : url.port,
    // As in AWS's own default `/#{path}`, without the leading slash.
    path: head.path.replace(/^\//, ""),
    query: head.query ?? "",
  };
  const fill = (text: string) => text.replace(/#\{(\w+)\}/g, (whole, name: string) => known[name] ?? whole);
  const protocol = fill(answer.protocol).toLowerCase();
  const port = fill(answer.port);
  const query = fill(answer.query);
  const isDefaultPort = port === (protocol === "https" ? "443" : "80");
  const authority = isDefaultPort ? fill(answer.host) : `${fill(answer.host)}:${port}`;
  return `${protocol}://${authority}${fill(answer.path)}${query === "" ? "" : `?${query}`}`;
}

function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: Record<string, string>,
): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
