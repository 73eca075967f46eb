/** A contestant in a process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Order, Report } from "./child.ts";
import type { Entry } from "./contestants.ts";

/** How long one order may take. */
const PATIENCE_MS = 60_000;

export class Child {
  readonly id: string;
  /** What deserves a footnote. */
  notes: readonly string[] = [];
  readonly #entry: Entry;
  #process: ChildProcess | undefined;

  private constructor(entry: Entry) {
    this.id = entry.id;
    this.#entry = entry;
  }

  static async start(entry: Entry): Promise<Child> {
    const child = new Child(entry);
    await child.#begin();
    return child;
  }

  async #begin(): Promise<ChildProcess> {
    const { module, export: name = "contestant", env } = this.#entry;
    const begun = fork(join(import.meta.dirname, "child.ts"), [module, name], {
      execArgv: ["--expose-gc", "--no-warnings"],
      env: { ...process.env, NODE_ENV: "production", ...env },
      stdio: ["ignore", "ignore", "ignore", "ipc"], // errors come as reports
    });
    this.#process = begun;
    const { ready } = (await answerOf(begun)) as { readonly ready?: readonly string[] };
    this.notes = ready ?? [];
    return begun;
  }

  /** One that takes too long is ended, and begun anew for the next order. */
  async order(order: Order): Promise<Report> {
    const process = this.#process ?? (await this.#begin());
    const report = answerOf(process);
    process.send(order);
    const answer = (await report) as Report | undefined;
    if (answer) return answer;
    this.stop();
    return { error: `over ${PATIENCE_MS / 1_000} s` };
  }

  stop(): void {
    this.#process?.kill("SIGKILL");
    this.#process = undefined;
  }
}

/** What a child says next; `undefined` where it says nothing in time. */
function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((answered, failed) => {
    const late = setTimeout(() => settle(() => answered(undefined)), PATIENCE_MS);
    const onExit = (code: number | null): void => settle(() => failed(new Error(`A child has ended with ${code}`)));
    const onMessage = (message: unknown): void => settle(() => answered(message));
    const settle = (then: () => void): void => {
      clearTimeout(late);
      child.off("exit", onExit).off("message", onMessage);
      then();
    };
    child.once("exit", onExit).once("message", onMessage);
  });
}
