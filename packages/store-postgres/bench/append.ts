/**
 * Acknowledged appends of four items a second, beside what the driver itself does with one INSERT of four rows:
 * `node bench/append.ts [postgres://...]`. Without a URL it starts PostgreSQL, which has to be installed.
 */
import type { Item } from "@batonjs/core";
import { Pool } from "pg";
import { PostgresStore } from "../src/index.ts";
import { postgresFolder, startPostgres } from "../test/servers.ts";

const folder = postgresFolder();
const given = process.argv[2];
if (given === undefined && folder === undefined) throw new Error("Pass a URL or install PostgreSQL");
const server = given === undefined && folder !== undefined ? await startPostgres(folder) : undefined;
const url = given ?? server?.url ?? "";

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

const pool = new Pool({ connectionString: url, max: 10 });
pool.on("error", () => {});
await pool.query("DROP SCHEMA IF EXISTS baton_bench CASCADE; CREATE SCHEMA baton_bench");
await pool.query(
  "CREATE TABLE baton_bench.raw (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL)",
);
const insert = (turn: number): Promise<unknown> =>
  pool.query({
    name: "raw",
    text: "INSERT INTO baton_bench.raw (item) VALUES ($1), ($2), ($3), ($4)",
    values: items(turn).map((item) => JSON.stringify(item)),
  });

const store = new PostgresStore(pool, { schema: "baton_bench" });
const turns = new Map<string, number>();
const next = (session: string): number => {
  const turn = turns.get(session) ?? 0;
  turns.set(session, turn + 1);
  return turn;
};
const append = (session: string): Promise<number> => {
  const turn = next(session);
  return store.append({ tenant: "t", id: session }, items(turn), { expectedVersion: turn * 4, opId: `op ${turn}` });
};
const tenAtOnce = (one: (at: number) => Promise<unknown>) => () =>
  Promise.all(Array.from({ length: 10 }, (_, at) => one(at)));
const contenders = [
  { name: "pg, one connection", each: 1, run: () => insert(next("raw")) },
  { name: "PostgresStore, one session", each: 1, run: () => append("one") },
  { name: "pg, 10 connections", each: 10, run: tenAtOnce(() => insert(next("raw"))) },
  { name: "PostgresStore, 10 sessions at once", each: 10, run: tenAtOnce((at) => append(`many ${at}`)) },
];

const rates = contenders.map((): number[] => []);
for (let round = 0; round < 6; round++)
  for (const [at, { each, run }] of contenders.entries()) {
    const started = performance.now();
    let count = 0;
    for (; performance.now() - started < 500; count += each) await run();
    if (round > 0) rates[at]?.push(count / ((performance.now() - started) / 1_000));
  }
const medians = rates.map((values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0);
for (const [at, { name }] of contenders.entries()) {
  const [rate = 0, raw = 1] = [medians[at], medians[at - (at % 2)]];
  console.log(`${name.padEnd(36)} ${rate.toFixed(0).padStart(6)} appends/s  ${(rate / raw).toFixed(2)}`);
}

await store.append({ id: "long" }, Array.from({ length: 2_500 }, (_, at) => items(at)).flat(), {
  expectedVersion: 0,
  opId: "1",
});
const started = performance.now();
for (let at = 0; at < 10; at++) await store.read({ id: "long" });
console.log(`a session of 10,000 items is read in ${((performance.now() - started) / 10).toFixed(1)} ms`);

await pool.query("DROP SCHEMA baton_bench CASCADE");
await pool.end();
await server?.dispose();
