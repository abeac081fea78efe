import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { bodyBytesMax } from "./body.ts";
import type { Handle } from "./message.ts";

export interface WireServer {
  /** What goes into AWS_ENDPOINT_URL. */
  url: string;
  port: number;
  /** Stops listening and breaks what is still open. */
  close(): Promise<void>;
}

/** Serves the wire over HTTP; port 0 takes a free one. Rejects when the port is taken. */
export async function serveWire(handle: Handle, port = 0, host = "127.0.0.1"): Promise<WireServer> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const { method = "GET", url = "/" } = request;
    const reply = await handle({ method, path: url, headers: headersOf(request), body });
    if ("cut" in reply) request.socket.destroy();
    else response.writeHead(reply.status, reply.headers).end(reply.body);
  };
  const server = createServer((request, response) => {
    // The body broke off or was too large: there is nobody to answer.
    answer(request, response).catch(() => request.socket.destroy());
  });
  // Longer than a client stands still in a test, so that what it sends afterwards arrives.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function headersOf(request: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > bodyBytesMax) throw new Error(`body above ${bodyBytesMax} bytes`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}
