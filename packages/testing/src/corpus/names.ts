import { type Case, one } from "./case.ts";

/** Whether a name can be that of an agent, and that of a tool or handoff. What cannot is a `TypeError`. */
export interface NameOutcome {
  readonly agent: "accept" | "reject";
  readonly tool: "accept" | "reject";
}

const both: NameOutcome = { agent: "accept", tool: "accept" };
const agentOnly: NameOutcome = { agent: "accept", tool: "reject" };
const neither: NameOutcome = { agent: "reject", tool: "reject" };

/** C2: names of tools, agents and handoffs. */
export const hostileNames: readonly Case<NameOutcome, string>[] = [
  one(36, "constructor", "constructor", both),
  one(37, "__proto__", "__proto__", both),
  one(38, "toString", "toString", both),
  one(39, "hasOwnProperty", "hasOwnProperty", both),
  one(40, "an empty text", "", neither),
  one(41, "65 characters", "x".repeat(65), agentOnly),
  one(42, "a dollar sign", "$READFILE", agentOnly),
  one(43, "a dot", "pay.now", agentOnly),
  one(44, "a slash", "pay/now", agentOnly),
  one(45, "a space", "pay now", agentOnly),
  one(46, "a full-width letter", "ｐay", agentOnly),
  one(48, "a Cyrillic letter", "\u0440ay", agentOnly),
  one(49, "a zero-width space", "pay\u200b", agentOnly),
  one(50, "the prefix of handoffs alone", "transfer_to_", both),
  one(53, "an emoji", "💸", agentOnly),
  one(54, "a namespace", "functions.pay", agentOnly),
  one(55, "a line break", "pay\n", neither),
  one(56, "a right-to-left override", "pay\u202eyap", neither),
  one(58, "a name that a provider uses", "multi_tool_use.parallel", agentOnly),
];

/** C2: two names that must not be mixed up, or cannot stand together. */
export interface NamePair {
  readonly number: number;
  readonly what: string;
  readonly names: readonly [string, string];
  /** `distinct`: both may be there and each is itself; `reject`: a `TypeError` before the first model call. */
  readonly expected: "distinct" | "reject";
}

/** Pairs of tools of one agent, and pairs of agents that one agent hands over to. */
export const hostileNamePairs: {
  readonly tools: readonly NamePair[];
  readonly agents: readonly NamePair[];
} = {
  tools: [
    { number: 47, what: "names that differ in case", names: ["pay", "Pay"], expected: "distinct" },
    {
      number: 52,
      what: "one name twice, as of a tool and a handoff",
      names: ["transfer_to_b", "transfer_to_b"],
      expected: "reject",
    },
  ],
  agents: [
    { number: 51, what: "agents whose handoffs have the same name", names: ["A B", "A_B"], expected: "reject" },
    { number: 47, what: "agents that differ in case", names: ["pay", "Pay"], expected: "reject" },
  ],
};
