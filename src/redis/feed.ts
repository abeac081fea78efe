/** What was committed, as it is published: one subscriber connection, shared by all listeners of a process. */
import type { Redis } from "ioredis";
import { asking } from "./errors.ts";

export interface Feed {
  /** Resolves once messages flow; best effort after that: what is published during an outage is not heard. */
  subscribe(listener: (message: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** `connect` gives a connection that reconnects and subscribes again by itself, as ioredis does. */
export function createFeed(connect: () => Redis, channel: string): Feed {
  const listeners = new Set<(message: string) => void>();
  let connection: Redis | undefined;
  let subscribed: Promise<unknown> | undefined;

  const open = (): Promise<unknown> => {
    if (!connection) {
      connection = connect();
      connection.on("message", (_channel: string, message: string) => {
        for (const listener of listeners) listener(message);
      });
    }
    subscribed ??= connection.subscribe(channel).catch((error: unknown) => {
      subscribed = undefined;
      throw error;
    });
    return subscribed;
  };

  return {
    subscribe: async (listener) => {
      // Wrapped, so that one function can be subscribed twice and each subscription ends by itself.
      const own = (message: string): void => listener(message);
      listeners.add(own);
      try {
        await asking("subscribe to changes", open);
      } catch (error) {
        listeners.delete(own);
        throw error;
      }
      return async () => {
        listeners.delete(own);
      };
    },
    close: async () => {
      listeners.clear();
      connection?.disconnect();
    },
  };
}
