/** C13: every option that is a number, with every odd value. */
import { hostileNumbers } from "@batonjs/testing/corpus";
import { describe, expect, it } from "vitest";
import {
  Agent,
  budget,
  cached,
  compact,
  DEFAULT_LIMITS,
  encodeKey,
  keepLast,
  memorySessions,
  MemoryStore,
  retry,
  run,
  Runner,
  type RunOptions,
  seals,
  summarize,
  timeout,
  tool,
} from "./index.ts";

const agent = new Agent({ name: "A" });
const model = { name: "m", provider: "p", stream: () => expect.unreachable("it was asked") };
const key = { id: "1", secret: "0123456789abcdef0123456789abcdef" };

/** What an option takes beside positive integers within the reach of timers. */
interface Takes {
  readonly zero?: true;
  readonly fractions?: true;
  readonly infinity?: true;
  /** Beyond what a timer takes: it counts, or is compared with the clock. */
  readonly large?: true;
}
type Row = readonly [what: string, option: string, make: (value: never) => unknown, takes: Takes];

const LIMITS: readonly Row[] = Object.keys(DEFAULT_LIMITS).flatMap((name): Row[] => {
  const takes: Takes = {
    ...(["maxHandoffs", "maxOutputRetries", "maxNesting", "abortGraceMs"].includes(name) ? { zero: true } : {}),
    ...(name.endsWith("Ms") ? {} : { large: true }),
  };
  return [
    ["Runner", name, (value) => new Runner({ [name]: value }), takes],
    ["run()", name, (value) => run(agent, "Hi", { model, [name]: value } as unknown as RunOptions), takes],
  ];
});

const ROWS: readonly Row[] = [
  ...LIMITS,
  ["tool()", "timeoutMs", (timeoutMs) => tool({ name: "t", timeoutMs, execute: () => "" }), { fractions: true }],
  [
    "a guardrail",
    "timeoutMs",
    (timeoutMs) => new Agent({ name: "A", inputGuardrails: [{ name: "g", timeoutMs, check: () => true }] }),
    { fractions: true },
  ],
  ["asTool()", "maxTurns", (maxTurns) => agent.asTool({ maxTurns }), { large: true }],
  ["retry()", "maxRetries", (maxRetries) => retry({ maxRetries }), { zero: true, large: true }],
  ["retry()", "baseDelayMs", (baseDelayMs) => retry({ baseDelayMs }), { zero: true }],
  ["retry()", "maxDelayMs", (maxDelayMs) => retry({ maxDelayMs }), { zero: true }],
  ["timeout()", "firstEventMs", (firstEventMs) => timeout({ firstEventMs }), { fractions: true }],
  ["timeout()", "idleMs", (idleMs) => timeout({ idleMs }), { fractions: true }],
  ["timeout()", "totalMs", (totalMs) => timeout({ totalMs }), { fractions: true }],
  ["budget()", "maxTokens", (maxTokens) => budget({ maxTokens }), { fractions: true, infinity: true, large: true }],
  [
    "budget()",
    "maxCost",
    (maxCost) => budget({ maxCost, price: () => 1 }),
    { fractions: true, infinity: true, large: true },
  ],
  ["budget()", "maxTimeMs", (maxTimeMs) => budget({ maxTimeMs }), { fractions: true, infinity: true, large: true }],
  ["compact()", "atItems", (atItems) => compact({ model, atItems, keepItems: 1 } as never), { large: true }],
  [
    "compact()",
    "atTokens",
    (atTokens) => compact({ model, atTokens }),
    { fractions: true, large: true, infinity: true },
  ],
  ["compact()", "keepItems", (keepItems) => compact({ model, keepItems }), {}],
  ["summarize()", "keep", (keep) => summarize(model, { keep }), { zero: true, large: true }],
  ["summarize()", "atLeast", (atLeast) => summarize(model, { atLeast }), { zero: true, large: true }],
  ["keepLast()", "n", (n) => keepLast(n), { large: true }],
  [
    "cached()",
    "maxItems",
    (maxItems) => cached(new MemoryStore(), { maxItems }),
    { zero: true, fractions: true, infinity: true, large: true },
  ],
  ["seals()", "expiresInMs", (expiresInMs) => seals({ keys: [key], expiresInMs }), { fractions: true, large: true }],
];

const accepts = (value: unknown, { zero, fractions, infinity, large }: Takes): boolean => {
  if (value === undefined) return true;
  if (typeof value !== "number" || Number.isNaN(value) || value < 0) return false;
  if (value === 0) return zero === true;
  if (value === Infinity) return infinity === true;
  if (value === 2 ** 31) return large === true;
  return Number.isInteger(value) || fractions === true;
};

describe.each(ROWS)("%s with %s", (_, option, make, takes) => {
  it.each(hostileNumbers)("of $what", async ({ value }) => {
    if (option === "n" && value === undefined) return; // it is no option
    const made = async (): Promise<unknown> => make(value as never);
    const outcome = await made().then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    if (accepts(value, takes)) {
      expect(outcome instanceof TypeError || outcome instanceof RangeError ? outcome : undefined).toBeUndefined();
      return;
    }
    expect(outcome, `${String(value)} is taken`).toBeInstanceOf(Error);
    expect(["RangeError", "TypeError"]).toContain(outcome?.name);
    expect(outcome?.message).toContain(option === "n" ? "Cannot keep the last" : option);
  });
});

describe("a store in memory", () => {
  it.each(hostileNumbers)(
    "refuses $what as offset, page size and time of a lease with a StoreError",
    async ({ value }) => {
      const store = memorySessions().sessions as MemoryStore;
      const odd = typeof value !== "number" || !Number.isInteger(value) || value < 0;
      const attempts: readonly [string, Promise<unknown>, boolean][] = [
        ["from", store.read({ id: "s" }, value as number), odd && value !== undefined],
        ["limit", store.list({ limit: value as number }), (odd || value === 0) && value !== undefined],
        [
          "ttlMs",
          store.lease({ id: "s" }, "r", value as number),
          !(typeof value === "number" && value > 0 && value < Infinity),
        ],
      ];
      for (const [what, attempt, refused] of attempts) {
        const name = await attempt.then(
          () => "taken",
          (error: Error) => error.name,
        );
        expect(`${what}: ${name}`).toBe(`${what}: ${refused ? "StoreError" : "taken"}`);
      }
      expect(encodeKey({ id: "s" })).toBe('["s"]');
    },
  );
});
