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
  readonly store: string;
  readonly session: string | undefined;
  readonly customer: string;
  readonly db: string;
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

const FLAGS = {
  model: { type: "string", short: "m" },
  "triage-model": { type: "string" },
  "specialist-model": { type: "string" },
  customer: { type: "string", short: "c" },
  approve: { type: "string" },
  session: { type: "string", short: "s" },
  store: { type: "string" },
  db: { type: "string" },
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

  -m, --model NAME          local (embedded, default) or openai/<name>, for all agents
      --triage-model NAME   for the Triage Agent alone
      --specialist-model NAME
                            for the specialists alone
  -c, --customer ID         who is signed in, default ${DEFAULT_CUSTOMER}; there are cus_1001 to cus_1004
      --approve WHO         all, none or ask: who decides on refunds and the like;
                            default ask in a terminal, none elsewhere
  -s, --session ID          goes on with a conversation that the store keeps
      --store WHERE         memory (default), sqlite:FILE, postgres:URL or redis:URL
      --db FILE             the help desk's database, default in memory
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
    triageModel: modelName(values.get("triage-model") ?? model, "--triage-model"),
    specialistModel: modelName(values.get("specialist-model") ?? model, "--specialist-model"),
    store: storeName(values.get("store") ?? "memory"),
    session: values.get("session"),
    customer: values.get("customer") ?? DEFAULT_CUSTOMER,
    db: values.get("db") ?? ":memory:",
    approve: approval(values.get("approve")),
    trace: values.get("trace"),
    json: values.has("json"),
    verify: values.has("verify"),
    help: values.has("help"),
  };
}

function modelName(name: string, flag: string): string {
  if (name === "local" || /^openai\/\S+$/.test(name)) return name;
  throw new UsageError(
    `Cannot use "${name}" as ${flag.replace(/--\w+-model/, "a model")}: write local, or openai/ and a model's name`,
  );
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
