/** `pnpm --filter bank-triage start`: a chat, one answer, or one message a line on stdin. */
import { createInterface } from "node:readline";
import { BANK, openBank } from "./bank.ts";
import { Desk, MAX_MESSAGE_LENGTH, sentence } from "./desk.ts";
import { OWN_CASES, casesIn } from "./files.ts";
import { CHAT_HELP, readChatOptions } from "./options.ts";
import { UsageError, exitCodeOf } from "./usage-error.ts";

const { stdin, stdout, stderr } = process;

async function main(): Promise<number> {
  const { message, model, precision, help } = readChatOptions(process.argv.slice(2));
  if (help) {
    stdout.write(`${CHAT_HELP}\n`);
    return 0;
  }
  if (message !== undefined) checkMessage(message);
  const bank = await openBank({ model });
  const messages = casesIn(OWN_CASES, bank.frontDesk).map(({ text, agent }) => ({
    text,
    to: agent === "none" ? null : agent,
  }));
  const { threshold } = await bank.router.fitThresholds(bank.frontDesk, messages, { precision });
  const desk = new Desk(bank);
  try {
    if (message !== undefined) return await answer(desk, message);
    stdout.write(`${BANK} · the router decides from ${threshold.toFixed(2)}, behind it: ${bank.model}\n`);
    return await converse(desk);
  } finally {
    await desk.close();
  }
}

function checkMessage(message: string): void {
  if (message.trim() === "") throw new UsageError("Cannot answer an empty message: write what you need help with");
  if (message.length > MAX_MESSAGE_LENGTH)
    throw new UsageError(
      `Cannot read a message of ${message.length.toLocaleString("en-US")} characters: the most is ${MAX_MESSAGE_LENGTH.toLocaleString("en-US")}; write the part that matters`,
    );
}

/** Shows the answer and how it came about. Gives the exit code. */
async function answer(desk: Desk, message: string): Promise<number> {
  try {
    const { agent, text, ladder } = await desk.say(message);
    for (const line of ladder) stdout.write(`  ${line}\n`);
    stdout.write(`${agent} › ${text}\n`);
    return 0;
  } catch (error) {
    stderr.write(`${sentence(error)}\n`);
    return 1;
  }
}

/** Lines of a person or a pipe, one after the other. The worst exit code is that of all. */
async function converse(desk: Desk): Promise<number> {
  const isChat = stdin.isTTY === true && stdout.isTTY === true;
  const lines = createInterface({ input: stdin, ...(isChat ? { output: stdout } : {}), prompt: "\nyou › " });
  let code = 0;
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() !== "") code = Math.max(code, await answerLine(desk, line, isChat));
    lines.prompt();
  }
  return isChat ? 0 : code;
}

async function answerLine(desk: Desk, line: string, isChat: boolean): Promise<number> {
  if (!isChat) stdout.write(`\nyou › ${line.length > 200 ? `${line.slice(0, 200)}…` : line}\n`);
  // One message that cannot be read does not end the conversation.
  return exitCodeOf(() => {
    checkMessage(line);
    return answer(desk, line);
  });
}

// A reader who has seen enough, such as `head`, is no error.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = await exitCodeOf(main);
stdin.destroy();
