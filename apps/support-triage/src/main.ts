/** `pnpm start`: the help desk in a terminal, for one message, over stdin, or playing a conversation. */
import { Lines, PLAYED, batchDecide, converse, hasStdin } from "./batch.ts";
import { chat, chatDecide } from "./chat.ts";
import type { Decide } from "./conversation.ts";
import { byRule } from "./decisions.ts";
import { type HelpDesk, openHelpDesk, resume, sentence } from "./desk.ts";
import { Prompt } from "./lines.ts";
import { Exits } from "./exits.ts";
import { HELP, type Options, UsageError, readOptions } from "./options.ts";
import { Screen, lookOf } from "./screen.ts";
import { type View, jsonView } from "./view.ts";

const { stdin, stdout, stderr } = process;
const exits = new Exits();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    stdout.write(`${HELP}\n`);
    return 0;
  }
  if (options.verify) return (await import("./verify.ts")).verify();
  const isChat = stdin.isTTY && stdout.isTTY && options.message === undefined && !options.json;
  return isChat ? talk(options) : reply(options);
}

async function mainThenClose(): Promise<number> {
  try {
    return await main();
  } finally {
    await exits.close();
  }
}

/** A person is at the terminal. */
async function talk(options: Options): Promise<number> {
  const screen = screenOf(options);
  const prompt = new Prompt(stdin, stdout);
  const desk = await open(options, screen, chatDecide(options.approve ?? "ask", screen, prompt));
  return chat(desk, screen, prompt);
}

/** Messages come from the command line or from stdin; where there are none, a conversation is played. */
async function reply(options: Options): Promise<number> {
  const view = options.json ? jsonView(stdout, stderr) : screenOf(options);
  const { message, approve, session } = options;
  if (message !== undefined && message.trim() === "")
    throw new UsageError("Cannot answer an empty message: write what you need help with");

  const lines = new Lines(stdin);
  const isPiped = message === "-" || (message === undefined && hasStdin() && (await lines.any()));
  const isPlayed = message === undefined && !isPiped && session === undefined;
  const prompt = new Prompt(stdin, options.json ? stderr : stdout);
  const ask = async (question: string): Promise<string | undefined> => {
    if (isPiped) return lines.next();
    if (!stdin.isTTY) return undefined;
    const typed = await prompt.ask(question);
    return typeof typed === "object" ? typed.line : undefined;
  };
  const decide =
    isPlayed && approve === undefined
      ? byRule(view, { approved: true }, "as this conversation is played")
      : batchDecide(approve ?? (stdin.isTTY && !isPlayed ? "ask" : undefined), view, ask);
  const desk = await open(options, view, decide);
  if (isPiped) return converse(desk, view, lines.all());
  if (message !== undefined) return converse(desk, view, [message]);
  if (!isPlayed) return (await resume(desk, view)) === "failed" ? 1 : 0;
  view.note(`${desk.title}\nNobody is at the keyboard, so this conversation is played.`);
  return converse(desk, view, PLAYED);
}

/** Opens the desk, which is closed on every way out. */
async function open(options: Options, view: View, decide: Decide): Promise<HelpDesk> {
  const desk = await openHelpDesk(options, view, decide);
  exits.opened(() => desk.close());
  exits.onSignals(() => desk.answering.stop());
  return desk;
}

/** What is being waited for is not shown where a trace would be written into the same line. */
function screenOf({ trace }: Options): Screen {
  const look = lookOf(stdout);
  return new Screen(trace === "console" ? { ...look, live: false } : look);
}

// A reader who has seen enough, such as `head`, is no error.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  void exits.leave(0);
});
try {
  process.exitCode = await mainThenClose();
} catch (error) {
  stderr.write(`${sentence(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  stdin.destroy();
}
