/**
 * Acknowledged appends of four items a second, beside what the driver itself does with one RPUSH of four values:
 * `node bench/append.ts [redis://...]`. Without a URL it starts Redis with `appendfsync always`.
 */
import type { Item } from "@batonjs/core";
import { createClient } from "redis";
import { RedisStore } from "../src/index.ts";
import { startRedis } from "../test/server.ts";

const given = process.argv[2];
const server = given === undefined ? await startRedis("--appendonly", "yes", "--appendfsync", "always") : undefined;
const client = createClient({ url: given ?? server?.url ?? "" });
client.on("error", () => {});
await client.connect();

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

const prefix = `bench ${process.pid}:`;
const store = new RedisStore(client, { prefix, ttlMs: 600_000 });
const turns = new Map<string, number>();
const next = (session: string): number => {
  const turn = turns.get(session) ?? 0;
  turns.set(session, turn + 1);
  return turn;
};
const push = (list: string): Promise<unknown> =>
  client.rPush(
    `${prefix}${list}`,
    items(next(list)).map((item) => JSON.stringify(item)),
  );
const append = (session: string): Promise<number> => {
  const turn = next(session);
  return store.append({ tenant: "t", id: session }, items(turn), { expectedVersion: turn * 4, opId: `op ${turn}` });
};
const sixteenAtOnce = (one: (at: number) => Promise<unknown>) => () =>
  Promise.all(Array.from({ length: 16 }, (_, at) => one(at)));
const contenders = [
  { name: "redis, one at a time", each: 1, run: () => push("raw") },
  { name: "RedisStore, one session", each: 1, run: () => append("one") },
  { name: "redis, 16 at once", each: 16, run: sixteenAtOnce((at) => push(`raw ${at}`)) },
  { name: "RedisStore, 16 sessions at once", each: 16, run: sixteenAtOnce((at) => append(`many ${at}`)) },
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
  console.log(`${name.padEnd(34)} ${rate.toFixed(0).padStart(6)} appends/s  ${(rate / raw).toFixed(2)}`);
}

await store.append({ id: "long" }, Array.from({ length: 2_500 }, (_, at) => items(at)).flat(), {
  expectedVersion: 0,
  opId: "1",
});
const started = performance.now();
for (let at = 0; at < 10; at++) await store.read({ id: "long" });
console.log(`a session of 10,000 items is read in ${((performance.now() - started) / 10).toFixed(1)} ms`);

for await (const keys of client.scanIterator({ MATCH: `${prefix}*` })) if (keys.length > 0) await client.del(keys);
await client.close();
await server?.dispose();
