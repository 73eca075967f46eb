import { messages } from "./samples.ts";
import type { Group } from "./subject.ts";

export function testLatency({ test, runs: { speed = 200 } = {}, report = console.log }: Group): void {
  test("is reported", async ({ store }) => {
    const key = { id: "s" };
    const appends: number[] = [];
    const reads: number[] = [];
    for (let at = 0; at < speed; at++) {
      const items = messages(`m${at}`, 4);
      appends.push(await timed(() => store.append(key, items, { expectedVersion: at * 4, opId: `op${at}` })));
      reads.push(await timed(() => store.read(key, at * 4)));
    }
    report(`append of 4 items: ${percentiles(appends)}; read of 4 items: ${percentiles(reads)}`);
  });
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await body();
  return performance.now() - started;
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`;
}
