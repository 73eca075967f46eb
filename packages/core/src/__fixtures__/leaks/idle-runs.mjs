// Runs that all wait for their model at once; says what memory they take, and that a stop ends all of them.
import { getEventListeners } from "node:events";
import { Agent, Runner } from "../../index.ts";

const [count] = process.argv.slice(2).map(Number);
// A few signals: Node looks through all listeners of a signal whenever one is added.
const controllers = Array.from({ length: 100 }, () => new AbortController());
let waiting = 0;
const model = {
  name: "m",
  provider: "p",
  async *stream() {
    yield { type: "text_delta", delta: "…" };
    waiting += 1;
    await new Promise(() => {});
  },
};
const agent = new Agent({ name: "Idle", model, instructions: "Help." });
const runner = new Runner();
globalThis.gc();
const before = process.memoryUsage().rss;
const runs = Array.from({ length: count }, (_, i) => 
  runner.run(agent, `message ${i}`, { signal: controllers[i % controllers.length].signal }),
);
const ends = Promise.allSettled(runs);
while (waiting < count) await new Promise((resolve) => setTimeout(resolve, 0));
const { rss } = process.memoryUsage();
for (const controller of controllers) controller.abort(new Error("stop"));
const aborted = (await ends).filter(({ reason }) => reason?.name === "AbortError").length;
const listeners = controllers.flatMap(({ signal }) => getEventListeners(signal, "abort")).length;
const timers = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
console.log(JSON.stringify({ waiting, mebibytes: Math.round(rss / 2 ** 20), grown: rss - before, aborted, listeners, timers }));
