import type { WireReply } from "./wire.ts";

/** Replies of every kind. Small: some tests try every byte of each. */
export const REPLIES: Readonly<Record<string, WireReply>> = {
  text: { text: ["Hel", "lo, ", "wörld 🎉"], usage: { input: 12, output: 5 } },
  "text of hostile characters": { text: ["\u2028\u2029 \0 data: x\n\n", '"\\ </script>\r\n', "[DONE]", "é👩‍👩‍👧‍👦"] },
  "one call": {
    calls: [{ id: "call_1", name: "get_weather", arguments: ['{"ci', 'ty":"Zü', 'rich"}'] }],
    usage: { input: 1, output: 2 },
  },
  "a call without arguments": { calls: [{ id: "call_1", name: "now", arguments: [] }] },
  "text and two calls": {
    text: ["Let me ", "look."],
    calls: [
      { id: "call_a", name: "lookup", arguments: ['{"n":1}'] },
      { id: "call_b", name: "transfer_to_billing", arguments: ['{"reason":', '"refund"}'] },
    ],
    usage: { input: 30, cached: 20, output: 9, reasoning: 0 },
  },
  "arguments that are no JSON": { calls: [{ id: "call_1", name: "lookup", arguments: ['{"n":', "1"] }] },
};

/** With reasoning, which some adapters do not have. */
export const REASONING_REPLY: WireReply = {
  reasoning: ["The user ", "wants weather."],
  text: ["It is sunny."],
  usage: { input: 10, output: 20, reasoning: 12 },
};
/** With reasoning that led to a call. */
export const REASONED_CALL: WireReply = {
  reasoning: ["Look it up."],
  calls: [{ id: "call_r", name: "get_weather", arguments: ['{"city":"Bern"}'] }],
};
/** A refusal, which is no answer. */
export const REFUSAL_REPLY: WireReply = { refusal: ["I can't ", "help with that."] };
