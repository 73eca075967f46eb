/**
 * Acknowledged appends of four items a second, beside what `node:sqlite` itself does: `node bench/append.ts [seconds]`.
 *
 * Both sync to the disk each time. The raw side writes four rows in a transaction and does nothing else.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Item } from "@batonjs/core";
import { SqliteStore } from "../src/index.ts";

const seconds = Number(process.argv[2] ?? 1);
const folder = mkdtempSync(join(tmpdir(), "baton-bench-"));

const items = (turn: number): Item[] => [
  { type: "message", id: `r${turn}:1`, role: "user", content: "I was charged twice for order 1234. ".repeat(4) },
  {
    type: "tool_call",
    id: `r${turn}:2`,
    agent: "Triage",
    callId: `c${turn}`,
    name: "look_up",
    arguments: '{"order":1234}',
  },
  { type: "tool_result", id: `r${turn}:3`, agent: "Triage", callId: `c${turn}`, output: "{}".repeat(50), status: "ok" },
  { type: "message", id: `r${turn}:4`, agent: "Triage", role: "assistant", content: "I have refunded it. ".repeat(8) },
];

function raw(): (turn: number) => void {
  const database = new DatabaseSync(join(folder, "raw.db"));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE items (seq INTEGER PRIMARY KEY, item TEXT)`);
  const [begin, commit] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")];
  const insert = database.prepare("INSERT INTO items (item) VALUES (?)");
  return (turn) => {
    begin.run();
    for (const item of items(turn)) insert.run(JSON.stringify(item));
    commit.run();
  };
}

const store = new SqliteStore(join(folder, "store.db"));
const append = (session: string, turn: number): Promise<number> =>
  store.append({ tenant: "t", id: session }, items(turn), { expectedVersion: turn * 4, opId: `op ${turn}` });

const writeRaw = raw();
const turns = new Map<string, number>();
const next = (session: string): number => {
  const turn = turns.get(session) ?? 0;
  turns.set(session, turn + 1);
  return turn;
};
const contenders: Readonly<Record<string, () => unknown>> = {
  "raw node:sqlite": () => writeRaw(next("raw")),
  "SqliteStore, one session": () => append("one", next("one")),
  "SqliteStore, 16 sessions at once": () =>
    Promise.all(Array.from({ length: 16 }, (_, at) => append(`many ${at}`, next(`many ${at}`)))),
};

const rates = new Map<string, number[]>();
for (let round = 0; round < 6; round++)
  for (const [name, run] of Object.entries(contenders)) {
    const each = name.includes("16") ? 16 : 1;
    const started = performance.now();
    let count = 0;
    for (; performance.now() - started < (seconds * 1_000) / 2; count += each) await run();
    if (round > 0) rates.set(name, [...(rates.get(name) ?? []), count / ((performance.now() - started) / 1_000)]);
  }
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const base = median(rates.get("raw node:sqlite") ?? []);
for (const [name, values] of rates)
  console.log(
    `${name.padEnd(34)} ${median(values).toFixed(0).padStart(7)} appends/s  ${(median(values) / base).toFixed(2)}`,
  );

await store.append({ id: "long" }, Array.from({ length: 2_500 }, (_, at) => items(at)).flat(), {
  expectedVersion: 0,
  opId: "1",
});
const started = performance.now();
for (let at = 0; at < 10; at++) await store.read({ id: "long" });
console.log(`a session of 10,000 items is read in ${((performance.now() - started) / 10).toFixed(1)} ms`);

await store.close();
rmSync(folder, { recursive: true, force: true });
