/** The first place where two values differ, with what stands there, in words. */
export interface Difference {
  /** Such as `items[2].content`. */
  readonly at: string;
  readonly recorded: string;
  readonly now: string;
}

/** The first difference of two JSON values; nothing where they are the same. Elements of a list go by name where both have one. */
export function difference(recorded: unknown, now: unknown, at = ""): Difference | undefined {
  if (recorded === now) return undefined;
  if (typeof recorded === "string" && typeof now === "string") return { at, ...excerpts(recorded, now) };
  if (!isObject(recorded) || !isObject(now) || Array.isArray(recorded) !== Array.isArray(now))
    return { at, recorded: words(recorded), now: words(now) };
  for (const key of new Set([...Object.keys(recorded), ...Object.keys(now)])) {
    const found = difference(recorded[key], now[key], pathOf(at, key, recorded, now));
    if (found) return found;
  }
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

function pathOf(at: string, key: string, recorded: Fields, now: Fields): string {
  if (!Array.isArray(recorded)) return at === "" ? key : `${at}.${key}`;
  const name = nameOf(recorded[key]);
  return name !== undefined && name === nameOf(now[key]) ? `${at}[${JSON.stringify(name)}]` : `${at}[${key}]`;
}

/** The name of a tool or handoff; calls in a conversation have names, too, which do not tell them apart. */
function nameOf(value: unknown): string | undefined {
  if (!isObject(value) || "callId" in value) return undefined;
  return typeof value["name"] === "string" ? value["name"] : undefined;
}

const BEFORE = 40;
const LENGTH = 160;

/** The surroundings of the first character that differs. */
function excerpts(recorded: string, now: string): Pick<Difference, "recorded" | "now"> {
  let same = 0;
  while (same < recorded.length && recorded[same] === now[same]) same += 1;
  const from = Math.max(0, same - BEFORE);
  const excerpt = (text: string): string => {
    const cut = text.slice(from, from + LENGTH).toWellFormed();
    return `${from > 0 ? "…" : ""}${JSON.stringify(cut)}${text.length > from + LENGTH ? "…" : ""}`;
  };
  return { recorded: excerpt(recorded), now: excerpt(now) };
}

function words(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > LENGTH ? `${text.slice(0, LENGTH).toWellFormed()}…` : text;
}
