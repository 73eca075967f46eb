import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Redaction } from "./redaction.ts";
import { fromParts, type Timed, toParts, withoutSecrets } from "./streamed.ts";

const wait = fc.nat(500);
const delta = fc.string({ maxLength: 5 });
const event: fc.Arbitrary<Timed["event"]> = fc.oneof(
  fc.record({ type: fc.constantFrom("text_delta" as const, "reasoning_delta" as const), delta }),
  fc.record(
    {
      type: fc.constant("tool_call_delta" as const),
      callId: fc.constantFrom("a", "b"),
      name: fc.constantFrom("lookup", "pay"),
      delta,
    },
    { requiredKeys: ["type", "callId", "delta"] },
  ),
  fc.record({ type: fc.constant("reset" as const), reason: delta }),
);

/** `text` cut at `cuts`. */
function cut(text: string, cuts: readonly number[]): readonly string[] {
  const places = [0, ...cuts.map((place) => place % text.length).toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((place, i) => text.slice(places[i], place));
}

describe("the parts of a stream", () => {
  it("are its events, of whatever kinds and in whatever order", () => {
    const property = fc.property(fc.array(fc.record({ event, wait }), { maxLength: 12 }), (events) => {
      expect(fromParts(toParts(events, (id) => id))).toEqual(events);
    });
    fc.assert(property);
  });

  it("have no secret, however it is cut and whatever comes between", () => {
    const KEY = "sk-proj-0123456789abcdef";
    const redaction = new Redaction();
    const cuts = fc.array(fc.nat(100), { maxLength: 6 });
    const property = fc.property(cuts, cuts, fc.array(fc.boolean()), (ofA, ofB, order) => {
      const calls = [cut(`{"key":"${KEY}"}`, ofA), cut('{"note":"nothing"}', ofB)].map((chunks, i) =>
        chunks.map((delta): Timed => ({
          event: { type: "tool_call_delta", callId: "ab"[i] as string, delta },
          wait: 1,
        })),
      );
      const mixed: Timed[] = [];
      for (const first of [...order, ...Array.from({ length: 20 }, (_, i) => i % 2 === 0)]) {
        const next = calls[first ? 0 : 1]?.shift();
        if (next) mixed.push(next);
      }
      const clean = withoutSecrets(mixed, redaction);
      const text = (callId: string): string =>
        clean
          .map(({ event }) => (event.type === "tool_call_delta" && event.callId === callId ? event.delta : ""))
          .join("");
      expect(text("a")).toBe('{"key":"[redacted]"}');
      expect(text("b")).toBe('{"note":"nothing"}');
      // What has no secret keeps its chunks.
      const chunksOfB = (events: readonly Timed[]) =>
        events.filter(({ event }) => event.type === "tool_call_delta" && event.callId === "b");
      expect(chunksOfB(clean)).toEqual(chunksOfB(mixed));
    });
    fc.assert(property);
  });
});
