/**
 * Every regular expression that is written in the sources, checked for inputs on which it takes more than linear time.
 * `node scripts/expressions.ts` checks those that are new (up to 20 seconds each) and writes `expressions.json`.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { parseAst } from "rolldown/parseAst";
import { root } from "./command.ts";

/** A regular expression as it is written, and where. */
export interface Expression {
  readonly written: string;
  readonly places: readonly string[];
}

/** What was found out about each. */
export interface Ledger {
  /** Linear, or nothing worse was found. */
  readonly safe: readonly string[];
  /** Worse, or not decided in time: each with the reason why it may stay. */
  readonly accepted: Readonly<Record<string, string>>;
}

const LEDGER = join(root, "scripts/expressions.json");
const TIMEOUT_MS = 20_000;

export const readLedger = (): Ledger => JSON.parse(readFileSync(LEDGER, "utf8")) as Ledger;

/** The expressions of the sources of packages and apps, tests left out. */
export function writtenExpressions(): readonly Expression[] {
  const files = globSync("{packages,apps}/*/src/**/*.ts", { cwd: root }).filter(
    (file) => !/\.test(-d)?\.ts$/.test(file),
  );
  const found = new Map<string, string[]>();
  for (const file of files.toSorted()) {
    const text = readFileSync(join(root, file), "utf8");
    for (const written of expressionsIn(text)) found.set(written, [...(found.get(written) ?? []), file]);
  }
  return [...found].map(([written, places]) => ({ written, places }));
}

/** The expressions of a TypeScript text, in order. */
export function expressionsIn(text: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("regex" in node) {
      const { pattern, flags } = node.regex as { readonly pattern: string; readonly flags: string };
      found.push(`/${pattern}/${flags}`);
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(text, { lang: "ts" }));
  return found;
}

/** Whether the checker finds it linear: "safe", "vulnerable", or "unknown" where it has not decided in time. */
export async function check(written: string, timeout: number = TIMEOUT_MS): Promise<"safe" | "vulnerable" | "unknown"> {
  process.env["RECHECK_BACKEND"] = "pure";
  const { checkSync } = await import("recheck");
  const end = written.lastIndexOf("/");
  return checkSync(written.slice(1, end), written.slice(end + 1), { timeout, randomSeed: 0 }).status;
}

async function update(): Promise<void> {
  const { safe, accepted } = readLedger();
  const written = writtenExpressions();
  const kept = written.filter((each) => safe.includes(each.written)).map((each) => each.written);
  const problems: string[] = [];
  for (const { written: each, places } of written) {
    if (kept.includes(each) || Object.hasOwn(accepted, each)) continue;
    const status = await check(each);
    if (status === "safe") kept.push(each);
    else problems.push(`${status}: ${each} in ${places.join(", ")}`);
  }
  const ledger: Ledger = { safe: kept.toSorted(), accepted };
  writeFileSync(LEDGER, `${JSON.stringify(ledger, undefined, 2)}\n`);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}

if (import.meta.filename === argv[1]) await update();
