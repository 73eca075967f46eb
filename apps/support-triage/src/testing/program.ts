/** The program as a process, for tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { linesOf } from "../lines.ts";

const main = join(import.meta.dirname, "../main.ts");

/** What a process has left. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** What it reads and knows. */
export interface Surroundings {
  /** What stdin says; `open` is a pipe that stays open and silent. @default nothing */
  readonly stdin?: { readonly text: string } | "nothing" | "open";
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the program to its end. */
export async function start(
  args: readonly string[],
  { stdin = "nothing", env = {} }: Surroundings = {},
): Promise<Finished> {
  const child = spawned(args, stdin === "nothing" ? "ignore" : "pipe", env);
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (err += chunk));
  if (typeof stdin === "object") child.stdin?.end(stdin.text);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** Runs the program until it writes a line that `isMoment`, then sends it `signal`. Gives its exit code and all lines. */
export async function startAndKill(
  args: readonly string[],
  isMoment: (line: string) => boolean,
  signal: NodeJS.Signals,
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  const child = spawned(args, "ignore", {});
  const ended = once(child, "close") as Promise<[number | null]>;
  const lines: string[] = [];
  for await (const line of linesOf(child.stdout!)) {
    lines.push(line);
    if (isMoment(line)) child.kill(signal);
  }
  const [code] = await ended;
  return { code, lines };
}

function spawned(
  args: readonly string[],
  stdin: "ignore" | "pipe",
  env: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env["PATH"], NO_COLOR: "1", ...env },
    stdio: [stdin, "pipe", "pipe"],
  });
}
