/** What the name of a tool says: a verb and what it is done to. */
import { stem } from "./text.ts";

const VERBS: ReadonlySet<string> = new Set(
  (
    "get list find search lookup look fetch show check read query view load retrieve describe count track see resolve " +
    "create make add new open file start begin book order buy place send email mail notify post submit request schedule " +
    "update change edit modify set reset rename move replace switch upgrade downgrade enable disable turn activate deactivate lock unlock " +
    "delete remove cancel close stop end pause resume refund pay charge issue credit transfer approve reject confirm verify run restart " +
    "report escalate assign calculate compute estimate convert translate generate export import download upload apply redeem register"
  ).split(" "),
);
const READING: ReadonlySet<string> = new Set(
  "get list find search lookup look fetch show check read query view load retrieve describe count track see resolve".split(
    " ",
  ),
);

const VERB_STEMS: ReadonlySet<string> = new Set([...VERBS].map(stem));
/** Whether a stem is that of a verb that tools are named by. */
export const isVerb = (word: string): boolean => VERB_STEMS.has(word);

/** A tool's name, taken apart: `list_charges_by_customer` reads `charges`. */
export interface ToolName {
  readonly verb?: string;
  /** The words after the verb, up to `by`, `for`, `of`, `from`, `with`. */
  readonly nouns: readonly string[];
  readonly reads: boolean;
}

/** What a tool's name says. */
export function readToolName(name: string): ToolName {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
  const [first] = parts;
  const verb = first !== undefined && VERBS.has(first) ? first : undefined;
  const rest = verb === undefined ? parts : parts.slice(first === "look" && parts[1] === "up" ? 2 : 1);
  const end = rest.findIndex((part, i) => i > 0 && ["by", "for", "of", "from", "with", "to"].includes(part));
  const nouns = end < 0 ? rest : rest.slice(0, end);
  return { ...(verb === undefined ? {} : { verb }), nouns, reads: verb === undefined ? false : READING.has(verb) };
}
