import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Redis server on this machine that a test has started. */
export interface Server {
  readonly url: string;
  readonly port: number;
  /** Ends the server process with kill -9. */
  kill(): Promise<void>;
  /** Starts it again on the same data, if it keeps any. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export function hasRedis(): boolean {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

/** What is to be stopped with this process, also when it fails. */
const children = new Set<ChildProcess>();
process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/** Redis on a free port of the loopback interface, with its data in a new folder, without snapshots. */
export async function startRedis(...settings: string[]): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "baton-redis-"));
  const port = await freePort();
  const args = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--save", "", ...settings];
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child?.once("exit", resolve));
    child.kill(signal);
    await exited;
  };
  const start = async (): Promise<void> => {
    const until = performance.now() + 30_000;
    child = spawn("redis-server", args, { stdio: "ignore", cwd: folder });
    children.add(child);
    while (!(await answers(port))) {
      if (child.exitCode !== null || performance.now() > until) throw new Error("Redis did not start");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill: () => end("SIGKILL"),
    dispose: async () => {
      await end("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the server has loaded its data. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(String(data).startsWith("+PONG"));
    });
    socket.once("error", () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("No port");
  return address.port;
}
