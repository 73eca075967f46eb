// Runs of every end on one signal; says what they leave behind.
import { getEventListeners } from "node:events";
import { Runner } from "../../index.ts";
import { triage } from "./desk.mjs";

const [count] = process.argv.slice(2).map(Number);
const { signal } = new AbortController();
const runner = new Runner();

async function runs(number) {
  for (let i = 0; i < number; i++) {
    if (i % 10 === 0) await runner.run(triage, "fail", { signal }).catch(() => {});
    else if (i % 10 === 1) for await (const _ of runner.stream(triage, "Hi", { signal })) break;
    else if (i % 10 === 2) await runner.stream(triage, "Hi", { signal }).result;
    else await runner.run(triage, "Hi", { signal });
  }
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}

const before = await runs(1_000);
const after = await runs(count);
const timers = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
console.log(JSON.stringify({ listeners: getEventListeners(signal, "abort").length, grown: after - before, timers }));
