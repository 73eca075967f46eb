/** The sentences that the embedded model says. */
import type { FunctionSpec, HandoffSpec, Json, JsonObject } from "@batonjs/core";
import { type Call, isRecord } from "./conversation.ts";
import { readToolName } from "./tool-name.ts";
import { type Field, labelOf } from "./arguments/fields.ts";
import { capital, clip, listed, partsOf, plain, spoken, uncapital } from "./text.ts";

/** The most characters of a result that are said. */
const MAX_SAID = 4_000;
/** The most records of a result that are listed. */
const MAX_LISTED = 10;
/** The most things that are named when it says what it can help with. */
const MAX_OFFERS = 6;

export type Choice = FunctionSpec | HandoffSpec;

/** What the developer wrote as description, without the lines made of the routing criteria. */
export function ownDescription({ description }: Choice): string {
  return description
    .split("\n")
    .filter((line) => !/^(?:Use for|Not for|Examples): /.test(line))
    .join(" ")
    .trim();
}

/** The name of a handoff's target without "Agent", or of a tool as words. */
export function subjectOf(choice: Choice): string {
  if (choice.type === "handoff")
    return choice.to.replace(/\s*\b(?:agent|specialist|assistant|bot)\b\s*$/i, "").trim() || choice.to;
  return spoken(choice.name);
}

/** What a tool does, as a verb with its object: `refund_charge` is "refund the charge". */
export function actionOf(name: string): string {
  const { verb, nouns } = readToolName(name);
  if (verb === undefined) return `use "${spoken(name)}"`;
  const object = spoken(nouns.join(" "));
  const words = verb === "look" || verb === "lookup" ? "look up" : verb === "list" && object !== "" ? "look up" : verb;
  return object === "" ? words : `${words} ${/^(?:my|your|all|every|a|an|the)\b/.test(object) ? "" : "the "}${object}`;
}

/** What a choice is for, as a phrase that can follow "I can help with". */
export function offerOf(choice: Choice): string {
  const phrase = (choice.when ?? "").trim().replace(/[.;]+$/, "");
  const isPhrase =
    phrase !== "" &&
    phrase.length <= 160 &&
    !/^(?:when|if|the (?:user|customer)|a (?:user|customer)|user|customer|customers|users|they|he|she)\b/i.test(
      phrase,
    ) &&
    !/\. |\b(?:is|are|wants|asks|says|needs|has been)\b/.test(phrase);
  if (isPhrase) return uncapital(phrase);
  if (choice.type === "handoff") {
    const said =
      ownDescription(choice)
        .replace(/^Hand the conversation over to [^.]*\.\s*/, "")
        .split(/\.(?:\s|$)/, 1)[0]
        ?.trim() ?? "";
    return said !== "" && said.length <= 120 && !/^(?:hand|transfer|use|call|route|the|when|if)\b/i.test(said)
      ? uncapital(said)
      : `${uncapital(subjectOf(choice))} questions`;
  }
  const { verb } = readToolName(choice.name);
  return verb === undefined ? spoken(choice.name) : `requests to ${actionOf(choice.name)}`;
}

/** What can be helped with, in one sentence; empty where there is nothing. */
export function offers(choices: readonly Choice[]): string {
  // A lookup without criteria of its own serves other tools.
  const named = choices.filter(
    ({ type, name, when, examples }) =>
      type === "handoff" || when !== undefined || examples !== undefined || !readToolName(name).reads,
  );
  const phrases = [...new Set((named.length > 0 ? named : choices).map(offerOf))].slice(0, MAX_OFFERS);
  return phrases.length === 0 ? "" : `I can help with ${listed(phrases)}.`;
}

/** Who answers. Said whenever somebody asks, or when there is nothing else to say. */
export const WHO =
  "I am Baton's embedded responder: a small program that routes messages and calls tools, not a language model.";

/** What to say to a message that nothing fits. */
export function outOfScope(choices: readonly Choice[], agent: string): string {
  const help = offers(choices);
  if (help !== "")
    return `I am not sure I understood that, or it is not something I can do. ${help} Could you say it in other words?`;
  return `This is ${agent}. ${WHO} No tool or other agent is set up here that I could use, so I cannot answer this. Give the agent tools, handoffs or a language model.`;
}

/** A question for what is missing. */
export function askFor(goal: Choice, fields: readonly Field[], times: number): string {
  const wanted = fields.map((field) => labelOf(field));
  const [first] = fields;
  const choices = fields.length === 1 && first?.options ? first.options.map(({ value }) => spoken(plain(value))) : [];
  const need = choices.length > 0 ? `${wanted[0]} (${listed(choices, "or")})` : listed(wanted);
  const again = times > 1 ? "I could not find that in your answer. " : "";
  const purpose = goal.type === "handoff" ? `To pass you on to ${goal.to}` : `To ${actionOf(goal.name)}`;
  const question = choices.length > 0 ? "Which one is it?" : "Could you tell me?";
  return `${again}${purpose}, I need ${need}. ${question}`;
}

/** A question which of several records is meant. */
export function askWhich(goal: Choice, records: readonly JsonObject[]): string {
  const lines = records.slice(0, MAX_LISTED).map((record, i) => `${i + 1}. ${recordLine(record)}`);
  const action = goal.type === "handoff" ? `pass you on to ${goal.to}` : actionOf(goal.name);
  return `I found several, so I cannot tell which one is meant. Which one should I take to ${action}?\n${lines.join("\n")}`;
}

/** A question which of two subjects is meant, or whether it is this one. */
export function askChoice(choices: readonly Choice[]): string {
  const [only] = choices;
  if (only && choices.length === 1) return `I am not sure I understood that. Is it about ${offerOf(only)}?`;
  return `I want to be sure I get this right: is it about ${listed(choices.map(offerOf), "or about")}?`;
}

/** What is said of a call that did not go well. */
export function problem(call: Call, choice: Choice | undefined): string {
  const reason = plainReason(call.output);
  const because = reason === "" ? "" : `: ${reason}`;
  if (choice?.type === "handoff") return sentence(`I could not pass you on to ${choice.to}${because}`);
  const action = actionOf(call.name);
  switch (call.status) {
    case "error":
      return sentence(`I could not ${action}${because}`);
    case "denied":
      return sentence(`I did not ${action}, because it was not approved${because}`);
    case "unknown":
      return sentence(
        `I cannot tell whether the attempt to ${action} went through, so I did not try it again. Please check before asking for it once more`,
      );
    case "abandoned":
      return sentence(`I gave up the attempt to ${action} before it was done${because}`);
    case "ok":
      return reply(call);
    default:
      call.status satisfies never;
      return "";
  }
}

function plainReason(output: string): string {
  const text = clip(output, 600).trim();
  // What core puts before a reason, the sentence says already.
  if (!text.startsWith("{"))
    return text.replace(/^(?:(?:error|tool error|this call was denied):\s*|this call was denied\.?$)/i, "");
  try {
    const data = JSON.parse(output) as Json;
    const said = isRecord(data) ? (data["message"] ?? data["error"] ?? data["reason"]) : undefined;
    return typeof said === "string" ? clip(said, 600) : text;
  } catch {
    return text;
  }
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** What a call that went well says. */
export function reply(call: Call): string {
  const { data } = call;
  if (isRecord(data)) {
    for (const key of ["message", "summary"]) {
      const said = data[key];
      if (typeof said === "string" && said.trim() !== "") return clip(said, MAX_SAID);
    }
  }
  if (data === undefined || typeof data === "string") {
    const text = (data ?? call.output).trim();
    return text === "" ? done(call.name) : clip(text, MAX_SAID);
  }
  if (data === null) return nothingFound(call.name);
  if (typeof data !== "object") return scalarReply(call.name, data);
  return clip(
    Array.isArray(data) ? listReply(call.name, data as readonly Json[]) : objectReply(call.name, data as JsonObject),
    MAX_SAID,
  );
}

const done = (name: string): string => {
  const { verb, nouns, reads } = readToolName(name);
  if (verb === undefined || reads) return "Done.";
  const object = spoken(nouns.join(" "));
  return `I have ${pastOf(verb)}${object === "" ? " it" : ` the ${object}`}.`;
};

const IRREGULAR: Readonly<Record<string, string>> = {
  send: "sent",
  make: "made",
  set: "set",
  reset: "reset",
  begin: "begun",
  buy: "bought",
  pay: "paid",
  run: "run",
  stop: "stopped",
  submit: "submitted",
  transfer: "transferred",
  cancel: "cancelled",
  add: "added",
};
const pastOf = (verb: string): string =>
  IRREGULAR[verb] ??
  (verb.endsWith("e") ? `${verb}d` : /[^aeiou]y$/.test(verb) ? `${verb.slice(0, -1)}ied` : `${verb}ed`);

function nothingFound(name: string): string {
  const { nouns } = readToolName(name);
  return nouns.length === 0 ? "I found nothing." : `I found no ${spoken(nouns.join(" "))}.`;
}

function scalarReply(name: string, data: Json): string {
  if (data === true) return done(name);
  if (data === false) return `I could not ${actionOf(name)}.`;
  return sentence(`${capital(spoken(readToolName(name).nouns.join(" ")) || "the result")}: ${plain(data)}`);
}

function listReply(name: string, list: readonly Json[]): string {
  if (list.length === 0) return nothingFound(name);
  const nouns = spoken(readToolName(name).nouns.join(" ")) || "results";
  const [first] = list;
  if (list.length === 1 && isRecord(first)) return `I found this:\n- ${recordLine(first)}`;
  const lines = list
    .slice(0, MAX_LISTED)
    .map((element) => `- ${isRecord(element) ? recordLine(element) : valueText(element)}`);
  const more = list.length > MAX_LISTED ? `\n… and ${list.length - MAX_LISTED} more.` : "";
  return `I found ${list.length} ${plural(nouns, list.length)}:\n${lines.join("\n")}${more}`;
}

const plural = (noun: string, count: number): string => (count === 1 || noun.endsWith("s") ? noun : `${noun}s`);

function objectReply(name: string, data: JsonObject): string {
  const failed = data["ok"] === false || data["success"] === false || data["found"] === false;
  const reason = data["error"] ?? data["reason"];
  if (failed || (typeof reason === "string" && Object.keys(data).length === 1)) {
    if (data["found"] === false && typeof reason !== "string") return nothingFound(name);
    return sentence(`I could not ${actionOf(name)}${typeof reason === "string" ? `: ${reason}` : ""}`);
  }
  const shown = Object.entries(data).filter(
    ([key, value]) => !["ok", "success", "found"].includes(key) && hasText(value),
  );
  const lists = shown.filter(
    (entry): entry is [string, readonly Json[]] =>
      Array.isArray(entry[1]) && entry[1].some((one) => isRecord(one as Json)),
  );
  const [only] = lists;
  const rest = shown.filter(([, value]) => !lists.some(([, other]) => other === value));
  const head = rest.length > 0 ? recordLine(Object.fromEntries(rest)) : "";
  if (only === undefined) {
    if (Object.entries(data).some(([, value]) => Array.isArray(value) && value.length === 0) && head === "")
      return nothingFound(name);
    const { reads } = readToolName(name);
    return head === ""
      ? done(name)
      : reads
        ? `Here is what I found: ${sentence(head)}`
        : `${done(name)} ${capital(sentence(head))}`;
  }
  const parts = lists.map(([key, list]) => listReply(`list_${partsOf(key).join("_")}`, list));
  return [...(head === "" ? [] : [capital(sentence(head))]), ...parts].join("\n");
}

const hasText = (value: Json | undefined): boolean =>
  value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);

const TITLES = ["title", "name", "label", "subject", "description", "question"];

/** A record in one line: its title, then its other fields with their names. */
function recordLine(record: JsonObject): string {
  const entries = Object.entries(record).filter(([, value]) => hasText(value));
  const title = TITLES.map((key) => entries.find(([name]) => name === key)).find(
    (entry) => typeof entry?.[1] === "string",
  );
  const currency = typeof record["currency"] === "string" ? record["currency"] : undefined;
  const rest = entries
    .filter(
      (entry) =>
        entry !== title &&
        !(entry[0] === "currency" && entries.some(([key, value]) => isSum(key) && typeof value === "number")),
    )
    .slice(0, 12)
    .map(([key, value]) => fieldText(key, value, currency));
  const words = rest.filter((text) => text !== "");
  if (!title) return words.join(", ");
  return words.length === 0 ? plain(title[1]) : `${plain(title[1])} (${words.join(", ")})`;
}

const isSum = (key: string): boolean =>
  /(?:amount|price|total|cost|balance|fee|subtotal|paid|due)(?:_?(?:cents|minor))?$/i.test(key);

function fieldText(key: string, value: Json, currency: string | undefined): string {
  if (typeof value === "boolean") return value ? spoken(key) : `not ${spoken(key)}`;
  if (typeof value === "number" && isSum(key)) {
    const cents = /cents|minor/i.test(key);
    return `${spoken(key).replace(/ (?:cents|minor)$/, "")} ${money(cents ? value / 100 : value, currency)}`;
  }
  return `${spoken(key)} ${valueText(value)}`;
}

const SYMBOLS: Readonly<Record<string, string>> = { USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹" };

function money(amount: number, currency: string | undefined): string {
  const sum = Number.isInteger(amount) && currency === undefined ? String(amount) : amount.toFixed(2);
  if (currency === undefined) return sum;
  const symbol = SYMBOLS[currency.toUpperCase()];
  return symbol === undefined
    ? `${sum} ${currency.toUpperCase()}`
    : amount < 0
      ? `-${symbol}${sum.slice(1)}`
      : `${symbol}${sum}`;
}

function valueText(value: Json): string {
  if (typeof value === "string") return /^\d{4}-\d\d-\d\dT/.test(value) ? dateTime(value) : clip(value, 500);
  if (Array.isArray(value)) return listed(value.slice(0, 8).map((one) => valueText(one as Json)));
  if (isRecord(value)) {
    const inner = Object.entries(value)
      .filter(([, part]) => hasText(part))
      .slice(0, 6);
    return inner
      .map(([name, part]) => `${spoken(name)} ${isRecord(part) || Array.isArray(part) ? "…" : valueText(part)}`)
      .join(", ");
  }
  return typeof value === "boolean" ? (value ? "yes" : "no") : plain(value);
}

const dateTime = (text: string): string =>
  /T00:00(?::00(?:\.0+)?)?Z?$/.test(text) ? text.slice(0, 10) : text.slice(0, 16).replace("T", " ");
