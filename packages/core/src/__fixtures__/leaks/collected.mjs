// Says what of runs that have ended is still held by their agents and signal, which live on.
import { memorySessions, Runner } from "../../index.ts";
import { triage } from "./desk.mjs";

const controller = new AbortController();
const held = new Map();
const watch = (name, object) => held.set(name, new WeakRef(object));

async function once() {
  const { signal } = controller;
  const context = { what: "context" };
  const runner = new Runner({ plugins: [memorySessions()] });
  const result = await runner.run(triage, "Hi", { signal, context, session: "s" });
  const error = await runner.run(triage, "fail", { signal, context }).catch((thrown) => thrown);
  const streamed = runner.stream(triage, "Hi", { signal, context });
  for await (const event of streamed) watch(event.type, event);
  watch("runner", runner);
  watch("result", result);
  watch("items", result.history);
  watch("error", error);
  watch("stream", streamed);
  watch("context", context);
}

await once();
for (let i = 0; i < 5; i++) {
  await new Promise((resolve) => setTimeout(resolve, 0));
  globalThis.gc();
}
const left = [...held].filter(([, ref]) => ref.deref() !== undefined).map(([name]) => name);
console.log(JSON.stringify({ watched: held.size, left, aborted: controller.signal.aborted, agent: triage.name }));
