/**
 * Kills a process at every moment of a run, and lets another go on with the session.
 *
 * @module
 */
/// <reference types="node" />
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Item, Json, SessionKey } from "@batonjs/core";
import { invariantsOf } from "../record.ts";
import { check, equal } from "./checks.ts";
import { type CrashSubject, withStore } from "./crash-subject.ts";

export interface VictimArguments {
  readonly module: string;
  readonly config: Json;
  readonly key: SessionKey;
  /** File in which tools write down that they have run. */
  readonly ledger: string;
  /** Number of the moment at which the process kills itself; 0 never. */
  readonly dieAt: number;
}

export interface RunCrashSuite {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly create: () => CrashSubject | Promise<CrashSubject>;
  /** Every how many moments is killed. @default 1 in CI, else 6 */
  readonly every?: number;
}

interface Ended {
  readonly killed: boolean;
  /** Ids of the items whose append was acknowledged, in order. */
  readonly acknowledged: readonly string[];
  readonly finished: { readonly output: unknown; readonly agent: string; readonly moments: number } | undefined;
  readonly said: string;
}

/**
 * Declares a test: a run with a handoff, parallel tools, a nested agent and an approval is killed before and after every
 * append and every tool's effect, and a fresh process goes on. For stores whose durability is not `none`.
 */
export function testRunCrashes(suite: RunCrashSuite): void {
  const { describe, it, create, every = process.env["CI"] ? 1 : 6 } = suite;
  describe("kill -9 in a run", () => {
    it(`at ${every === 1 ? "every moment" : `one of ${every} moments`} loses nothing acknowledged, does nothing twice, and another process goes on`, async () => {
      const subject = await create();
      const folder = mkdtempSync(join(tmpdir(), "baton-run-"));
      const start = (key: SessionKey, dieAt: number): Promise<Ended> =>
        play(
          { module: String(subject.module), config: subject.config, key, ledger: ledgerOf(folder, key), dieAt },
          folder,
        );
      const look = async (key: SessionKey, ended: readonly Ended[]): Promise<void> =>
        withStore(subject, async (store) =>
          checkRun((await store.read(key)).items, readFileSync(ledgerOf(folder, key), "utf8"), ended, key.id),
        );
      try {
        const whole = { tenant: "run", id: "not killed" };
        const first = await start(whole, 0);
        await look(whole, [first]);
        const moments = first.finished?.moments ?? 0;
        check(moments > 20, `a run has many moments, found ${moments}`);
        for (let dieAt = 1; dieAt <= moments; dieAt += every) {
          const key = { tenant: "run", id: `killed at ${dieAt}` };
          const victim = await start(key, dieAt);
          check(victim.killed || victim.finished !== undefined, `${key.id}: the process failed: ${victim.said}`);
          await look(key, [victim, await start(key, 0)]);
        }
      } finally {
        await subject.dispose?.();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}

function ledgerOf(folder: string, { id }: SessionKey): string {
  const path = join(folder, `${id}.ledger`);
  writeFileSync(path, "", { flag: "a" });
  return path;
}

/** Runs the victim to its end. */
function play(given: VictimArguments, compiled: string): Promise<Ended> {
  const script = new URL(`./run-victim.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  const child = spawn(process.execPath, [fileURLToPath(script), JSON.stringify(given)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_code, signal) => {
      const lines = output.split("\n").slice(0, -1);
      const said = (word: string): unknown[] =>
        lines
          .filter((line) => line.startsWith(`${word} `))
          .map((line) => JSON.parse(line.slice(word.length + 1)) as unknown);
      resolve({
        killed: signal === "SIGKILL",
        acknowledged: (said("acknowledged") as string[][]).flat(),
        finished: said("finished")[0] as Ended["finished"],
        said: errors,
      });
    });
  });
}

function checkRun(items: readonly Item[], ledger: string, ended: readonly Ended[], name: string): void {
  const last = ended.at(-1)!;
  equal(
    last.finished && { output: last.finished.output, agent: last.finished.agent },
    { output: "done", agent: "Specialist" },
    `${name}: the end (${last.said})`,
  );
  equal(invariantsOf(items, { settled: true }), [], `${name}: the record`);
  equal(
    items.filter((item) => item.type === "message" && item.role === "user" && item.path === undefined).length,
    1,
    `${name}: user messages`,
  );
  // Acknowledged is stored, once, and in order.
  const ids = items.map(({ id }) => id);
  for (const { acknowledged } of ended) {
    equal(
      ids.filter((id) => acknowledged.includes(id)),
      acknowledged,
      `${name}: what was acknowledged`,
    );
  }
  const lines = ledger.split("\n").slice(0, -1);
  const once = lines.filter((line) => line.startsWith("once "));
  equal(once, [...new Set(once)], `${name}: tools that run once`);
  for (const tool of ["label", "look"]) {
    const keys = new Set(lines.filter((line) => line.includes(` ${tool} `)));
    equal(keys.size, 1, `${name}: keys of ${tool}`);
  }
}
