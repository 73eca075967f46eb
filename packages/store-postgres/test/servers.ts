import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";

/** A database server on this machine that a test has started. */
export interface Server {
  readonly url: string;
  /** Ends the server process with kill -9, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data, if it keeps any. */
  start(): Promise<void>;
  /** Stops it and removes its data. */
  dispose(): Promise<void>;
}

/** What is to be stopped with this process, also when it fails. */
const children = new Set<ChildProcess>();
process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/** The folder with `initdb` and `postgres`, or nothing where PostgreSQL is not installed. */
export function postgresFolder(): string | undefined {
  const folders = ["/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin"];
  const found = folders.flatMap((folder) => globSync(`${folder}/initdb`)).toSorted();
  return found.at(-1)?.replace(/\/initdb$/, "");
}

/** PostgreSQL as it comes, on a free port of the loopback interface, with its data in a new folder. */
export async function startPostgres(folder: string): Promise<Server> {
  const user = unprivilegedUser();
  const parent = mkdtempSync(join(tmpdir(), "baton-postgres-"));
  if (user.uid !== undefined) chownSync(parent, user.uid, user.gid);
  const data = join(parent, "data");
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  execFileSync(join(folder, "initdb"), initdb, { ...user, cwd: parent, stdio: "pipe" });
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories=", "wal_writer_delay=10s"];
  return serve(url, parent, () =>
    spawn(join(folder, "postgres"), ["-D", data, ...settings.flatMap((setting) => ["-c", setting])], {
      ...user,
      cwd: parent,
      stdio: "ignore",
    }),
  );
}

/** PostgreSQL compiled to WebAssembly, in a process of its own, with its data in memory. */
export async function startPglite(): Promise<Server> {
  const port = await freePort();
  const script = fileURLToPath(new URL("pglite-server.ts", import.meta.url));
  return serve(`postgres://postgres@127.0.0.1:${port}/postgres`, undefined, () =>
    spawn(process.execPath, [script, String(port)], { stdio: "ignore" }),
  );
}

async function serve(url: string, folder: string | undefined, run: () => ChildProcess): Promise<Server> {
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child?.once("exit", resolve));
    child.kill(signal);
    await exited;
  };
  const spawned = (): ChildProcess => {
    const child = run();
    children.add(child);
    return child;
  };
  const start = async (): Promise<void> => {
    const until = performance.now() + 60_000;
    child = spawned();
    while (!(await answers(url))) {
      if (performance.now() > until) throw new Error("The database server did not start");
      // After a kill, PostgreSQL refuses to start as long as processes of the old server are there.
      if (child.exitCode !== null) child = spawned();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await start();
  return {
    url,
    start,
    kill: () => end("SIGKILL"),
    dispose: async () => {
      // The fast shutdown of PostgreSQL.
      await end("SIGINT");
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** PostgreSQL does not run as root. */
function unprivilegedUser(): { readonly uid: number; readonly gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  const line = users.find((line) => line.startsWith("postgres:")) ?? users.find((line) => line.startsWith("nobody:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("No port");
  return address.port;
}
