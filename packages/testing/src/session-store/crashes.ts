/**
 * Kills processes that write to a session store, cuts its connections, and looks at what is left. For Node only.
 *
 * @module
 */
/// <reference types="node" />
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Durability, SessionConflict, type SessionKey, type SessionStore } from "@batonjs/core";
import { check, equal } from "./checks.ts";
import { type CrashSubject, withStore } from "./crash-subject.ts";
import { operationItems, type WriterArguments } from "./writer-arguments.ts";

export type { CrashSubject } from "./crash-subject.ts";
export { type RunCrashSuite, testRunCrashes } from "./run-crashes.ts";
export { type CuttingProxy, startCuttingProxy } from "./cutting-proxy.ts";

export interface CrashSuite {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly create: () => CrashSubject | Promise<CrashSubject>;
  /** What the store says that an acknowledged append outlives. `none` is tested, too: everything must be gone. */
  readonly durability: Durability;
  /** How often is killed. @default 60 in CI, else 5 */
  readonly rounds?: number;
  /** Processes that write at once. @default 2 */
  readonly writers?: number;
  /** What is killed, for the name of the test. @default "the writing processes" */
  readonly victim?: string;
}

/** Declares a test: kill -9 while several processes write to one session, again and again. */
export function testCrashes(suite: CrashSuite): void {
  const { describe, it, create, durability, writers = 2, victim = "the writing processes" } = suite;
  const rounds = suite.rounds ?? (process.env["CI"] ? 60 : 5);
  const outcome =
    durability === "none" ? "loses everything, as declared" : "loses nothing acknowledged and doubles nothing";
  describe("kill -9", () => {
    it(`of ${victim} ${outcome} (${rounds} times)`, async () => {
      const subject = await create();
      // Processes that are killed young spend most of their life compiling.
      const compiled = mkdtempSync(join(tmpdir(), "baton-compiled-"));
      try {
        const logs = new Map<SessionKey, readonly WriterLog[]>();
        for (let round = 0; round < rounds; round++) {
          const key = { tenant: "crash", id: `round ${round}` };
          logs.set(key, await crash(subject, key, writers, compiled));
          await withStore(subject, (store) => checkRound(store, key, logs.get(key) ?? [], durability));
        }
        if (durability !== "none")
          await withStore(subject, async (store) => {
            for (const [key, log] of logs) await checkHistory(store, key, log);
          });
      } finally {
        await subject.dispose?.();
        rmSync(compiled, { recursive: true, force: true });
      }
    });
  });
}

/** The operations that a process has begun, and those that were acknowledged, in order. */
interface WriterLog {
  readonly name: string;
  readonly begun: readonly string[];
  readonly acknowledged: readonly string[];
}

/** Lets processes write to the session `key` until they are killed. */
async function crash(subject: CrashSubject, key: SessionKey, writers: number, compiled: string): Promise<WriterLog[]> {
  const running = Array.from({ length: writers }, (_, at) => startWriter(subject, key, `w${at}`, compiled));
  try {
    await Promise.all(running.map((writer) => writer.firstAcknowledged));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
    await subject.kill?.();
  } finally {
    for (const writer of running) writer.kill();
    await Promise.all(running.map((writer) => writer.exited));
  }
  await subject.restart?.();
  return running.map((writer) => writer.log());
}

interface Writer {
  readonly firstAcknowledged: Promise<void>;
  readonly exited: Promise<void>;
  kill(): void;
  log(): WriterLog;
}

function startWriter(subject: CrashSubject, key: SessionKey, name: string, compiled: string): Writer {
  // Only import paths are rewritten when this is compiled.
  const script = new URL(`./writer.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  const given: WriterArguments = { module: String(subject.module), config: subject.config, key, name };
  const child = spawn(process.execPath, [fileURLToPath(script), JSON.stringify(given)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  const acknowledged = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.includes("acknowledged ")) acknowledged.resolve();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  child.on("error", acknowledged.reject);
  child.on("close", () => {
    acknowledged.reject(new Error(`Writer ${name} ended before its first append was acknowledged: ${errors}`));
    exited.resolve();
  });
  return {
    firstAcknowledged: acknowledged.promise,
    exited: exited.promise,
    kill: () => void child.kill("SIGKILL"),
    log: () => {
      // A last line without its end was cut off by the kill.
      const lines = output.split("\n").slice(0, -1);
      const said = (word: string): string[] =>
        lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
      return { name, begun: said("begun"), acknowledged: said("acknowledged") };
    },
  };
}

async function checkRound(
  store: SessionStore,
  key: SessionKey,
  log: readonly WriterLog[],
  durability: Durability,
): Promise<void> {
  if (durability === "none") {
    equal(await store.read(key), { items: [], version: 0 }, "what outlived the crash of a store that keeps nothing");
    return;
  }
  await checkHistory(store, key, log);
  // What was under way is done once in the end, whether it was stored before the crash or not.
  for (const { name, begun } of log) {
    const last = begun.at(-1);
    if (last === undefined) continue;
    await repeat(store, key, last);
    const history = await operations(store, key);
    equal(
      history.filter((opId) => opId === last),
      [last],
      `the last operation of ${name}, repeated`,
    );
  }
}

/** How often a repeated operation gives way to what a killed writer had sent, and its server is still doing. */
const MAX_LATE = 10;

async function repeat(store: SessionStore, key: SessionKey, opId: string): Promise<void> {
  for (let late = 0; ; late++) {
    const { version } = await store.read(key);
    try {
      await store.append(key, operationItems(opId), { expectedVersion: version, opId });
      return;
    } catch (error) {
      if (late >= MAX_LATE || !(error instanceof SessionConflict)) throw error;
    }
  }
}

/** Every acknowledged operation once and in order; of those not acknowledged at most the last one of each writer. */
async function checkHistory(store: SessionStore, key: SessionKey, log: readonly WriterLog[]): Promise<void> {
  const history = await operations(store, key);
  for (const { name, begun, acknowledged } of log) {
    const mine = history.filter((opId) => opId.startsWith(`${name} `));
    check(
      mine.length === acknowledged.length || mine.length === acknowledged.length + 1,
      `${name}: ${acknowledged.length} operations were acknowledged, ${mine.length} are stored`,
    );
    equal(mine, begun.slice(0, mine.length), `operations of ${name}`);
  }
}

/** The operations stored, each of which must be whole. */
async function operations(store: SessionStore, key: SessionKey): Promise<string[]> {
  const { items, version } = await store.read(key);
  equal(items.length, version, "version");
  const found: string[] = [];
  for (let at = 0; at < items.length;) {
    const opId = items[at]?.id.split("#")[0] ?? "";
    const whole = operationItems(opId);
    equal(items.slice(at, at + whole.length), whole, `operation at item ${at}`);
    found.push(opId);
    at += whole.length;
  }
  return found;
}
