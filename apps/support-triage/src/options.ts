/** The command line: `pnpm start [flags] [message]`. */
import { parseArgs } from "node:util";
import { DEFAULT_CUSTOMER } from "./seed.ts";

/** Who decides what needs approval: everything yes, everything no, or a person. */
export type ApprovalPolicy = "all" | "none" | "ask";

/** What the command line asked for, checked. */
export interface Options {
  /** What stands beside the flags: one message, or `-` to read messages from stdin however long it takes. */
  readonly message: string | undefined;
  readonly triageModel: string;
  readonly specialistModel: string;
  /** Which of its two wire formats an `openai/` model is spoken to in; nothing leaves it to the adapter. */
  readonly api: "responses" | "chat" | undefined;
  readonly store: string;
  readonly session: string | undefined;
  readonly customer: string;
  readonly db: string;
  /** How long the bank takes over a refund. */
  readonly bankMs: number;
  readonly approve: ApprovalPolicy | undefined;
  readonly trace: string | undefined;
  readonly json: boolean;
  readonly verify: boolean;
  readonly help: boolean;
}

/** What the user got wrong, in one sentence. The program ends with exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** What `openai` alone stands for: a cheap model to find the specialist, a stronger one to do the work. */
const OPENAI = { triage: "openai/gpt-4o-mini", specialist: "openai/gpt-4o" } as const;

const FLAGS = {
  model: { type: "string", short: "m" },
  "triage-model": { type: "string" },
  "specialist-model": { type: "string" },
  api: { type: "string" },
  customer: { type: "string", short: "c" },
  approve: { type: "string" },
  session: { type: "string", short: "s" },
  store: { type: "string" },
  db: { type: "string" },
  "bank-seconds": { type: "string" },
  trace: { type: "string" },
  json: { type: "boolean" },
  verify: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

type Flag = keyof typeof FLAGS;
const isFlag = (name: string): name is Flag => Object.hasOwn(FLAGS, name);

export const HELP = `Larkspur's help desk: triage hands customers over to billing, technical and account specialists.

  pnpm start                          a chat, in a terminal
  pnpm start "I was charged twice"    one answer
  pnpm start < messages.txt           a conversation, one message a line
  pnpm start - < slow-pipe            the same, however long the first line takes

  -m, --model NAME          local (embedded, default), openai/<name> for all agents, or openai:
                            ${OPENAI.triage.slice(7)} for triage, ${OPENAI.specialist.slice(7)} for the specialists
      --triage-model NAME   for the Triage Agent alone
      --specialist-model NAME
                            for the specialists alone
      --api FORMAT          responses or chat: how openai models are spoken to;
                            default responses at OpenAI, chat elsewhere
  -c, --customer ID         who is signed in, default ${DEFAULT_CUSTOMER}; there are cus_1001 to cus_1004
      --approve WHO         all, none or ask: who decides on refunds and the like;
                            default ask in a terminal, none elsewhere
  -s, --session ID          goes on with a conversation that the store keeps
      --store WHERE         memory (default), sqlite:FILE, postgres:URL or redis:URL
      --db FILE             the help desk's database, default in memory
      --bank-seconds N      how long the bank takes over a refund, default 0: time to kill the program
      --trace WHERE         console, or a file for a log of all events
      --json                prints events as lines of JSON
      --verify              plays its own conversations, checks them, exits with 0 or 1
  -h, --help

In the chat: /agents  /history  /note TEXT  /help  /exit   Ctrl-C stops an answer`;

/** Reads the command line. Throws a `UsageError` for what it does not know. */
export function readOptions(args: readonly string[]): Options {
  // `pnpm start -- --json` hands the `--` on.
  const given = args[0] === "--" ? args.slice(1) : [...args];
  const { tokens } = parseArgs({ args: given, options: FLAGS, strict: false, allowPositionals: true, tokens: true });
  const values = new Map<Flag, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    if (!isFlag(name)) throw new UsageError(`Cannot use ${rawName}: ${nearest(name)}`);
    const wantsValue = FLAGS[name].type === "string";
    if (wantsValue && (value === undefined || value === "" || (value.startsWith("-") && !token.inlineValue))) {
      throw new UsageError(`Cannot use ${rawName} without a value; --help shows how`);
    }
    if (!wantsValue && value !== undefined)
      throw new UsageError(`Cannot use ${rawName}=${value}: ${rawName} takes no value`);
    values.set(name, value ?? "yes");
  }
  const model = values.get("model") ?? "local";
  return {
    message: words.length === 0 ? undefined : words.join(" "),
    triageModel: modelName(values.get("triage-model") ?? model, OPENAI.triage),
    specialistModel: modelName(values.get("specialist-model") ?? model, OPENAI.specialist),
    api: wireFormat(values.get("api")),
    store: storeName(values.get("store") ?? "memory"),
    session: values.get("session"),
    customer: values.get("customer") ?? DEFAULT_CUSTOMER,
    db: values.get("db") ?? ":memory:",
    bankMs: seconds(values.get("bank-seconds")) * 1_000,
    approve: approval(values.get("approve")),
    trace: values.get("trace"),
    json: values.has("json"),
    verify: values.has("verify"),
    help: values.has("help"),
  };
}

function modelName(name: string, usual: string): string {
  if (name === "openai") return usual;
  if (name === "local" || /^openai\/\S+$/.test(name)) return name;
  throw new UsageError(`Cannot use "${name}" as a model: write local, openai, or openai/ and a model's name`);
}

function wireFormat(name: string | undefined): Options["api"] {
  if (name === undefined || name === "responses" || name === "chat") return name;
  throw new UsageError(`Cannot use "${name}" as --api: write responses or chat`);
}

function seconds(text = "0"): number {
  if (/^\d{1,4}(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`Cannot use "${text}" as --bank-seconds: write a number of seconds`);
}

function storeName(store: string): string {
  if (store === "memory" || /^(sqlite|postgres|redis):./.test(store)) return store;
  throw new UsageError(`Cannot use "${store}" as --store: write memory, sqlite:FILE, postgres:URL or redis:URL`);
}

function approval(who: string | undefined): ApprovalPolicy | undefined {
  if (who === undefined || who === "all" || who === "none" || who === "ask") return who;
  throw new UsageError(`Cannot use "${who}" as --approve: write all, none or ask`);
}

/** What may have been meant by a flag that does not exist. */
function nearest(name: string): string {
  const near =
    name.length < 3 ? undefined : Object.keys(FLAGS).find((flag) => flag.startsWith(name) || distance(flag, name) <= 2);
  return near === undefined
    ? "there is no such flag; --help lists them"
    : `there is no such flag; did you mean --${near}?`;
}

/** Number of letters to insert, delete or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (letter === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
