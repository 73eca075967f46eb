/// <reference types="node" />
import { createServer, connect, type Socket } from "node:net";

/** Stands between a store and its server, on the loopback interface. */
export interface CuttingProxy {
  readonly port: number;
  /** Lets `bytes` more bytes of what the server says through, and then cuts that connection, once. */
  cutAfter(bytes: number): void;
  /** From now on nothing is cut. */
  heal(): void;
  /** Whether it has cut since `cutAfter()`, also after `heal()`. */
  hasCut(): boolean;
  close(): Promise<void>;
}

/** A proxy for the server at `port` of this machine. */
export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  let left = Infinity;
  let cut = false;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const [socket, other] of [[client, upstream] as const, [upstream, client] as const]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (data) => upstream.write(data));
    upstream.on("data", (data: Buffer) => {
      if (data.length <= left) {
        left -= data.length;
        client.write(data);
        return;
      }
      const last = data.subarray(0, left);
      left = Infinity;
      cut = true;
      client.write(last, () => client.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port");
  return {
    port: address.port,
    cutAfter: (bytes) => {
      left = bytes;
      cut = false;
    },
    heal: () => void (left = Infinity),
    hasCut: () => cut,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
