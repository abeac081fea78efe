/** A line between a client and a server, ours to cut: a TCP proxy on a port of its own. */
import { connect, createServer, type Server, type Socket } from "node:net";

export interface TcpLine {
  port: number;
  /** Resets what is open and refuses what comes, as where the machine is gone. */
  reset(): Promise<void>;
  /**
   * A black hole: connections stay open or are taken, and what is sent on them goes nowhere, in either direction; also
   * when the line is mended, as where a firewall has forgotten them.
   */
  swallow(): Promise<void>;
  /** New connections reach the server again. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function openLine(serverPort: number): Promise<TcpLine> {
  const open = new Set<Socket>();
  let swallows = false;

  const keep = (socket: Socket): Socket => {
    open.add(socket);
    return socket.on("close", () => open.delete(socket)).on("error", () => {});
  };
  const resetAll = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };

  const take = (client: Socket): void => {
    keep(client);
    if (swallows) return forget(client);
    const server = keep(connect({ port: serverPort, host: "127.0.0.1" }));
    relay(client, server);
    relay(server, client);
  };
  let listening: Server | undefined = await listen(0, take);
  const address = listening.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const deafen = async (): Promise<void> => {
    const server = listening;
    listening = undefined;
    await new Promise((closed) => {
      if (!server) return closed(undefined);
      server.close(closed);
      resetAll();
    });
  };

  return {
    port,
    reset: deafen,
    swallow: async () => {
      swallows = true;
      for (const socket of open) forget(socket);
    },
    mend: async () => {
      swallows = false;
      listening ??= await listen(port, take);
    },
    close: deafen,
  };
}

/** Nothing that it says is passed on any more. */
function forget(socket: Socket): void {
  socket.removeAllListeners("data");
  socket.on("data", () => {});
}

function relay(from: Socket, to: Socket): void {
  from.on("data", (bytes) => to.write(bytes));
  from.on("close", () => to.resetAndDestroy());
}

function listen(port: number, take: (client: Socket) => void): Promise<Server> {
  const server = createServer(take);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
