/** The chat in a terminal. */
import type { ApprovalPolicy } from "./options.ts";
import { byPerson, byRule } from "./decisions.ts";
import type { Decide } from "./conversation.ts";
import { type HelpDesk, answer, resume } from "./desk.ts";
import { drawGraph } from "./graph.ts";
import type { Prompt } from "./lines.ts";
import type { Screen } from "./screen.ts";
import type { View } from "./view.ts";

/** Who decides in a chat: the person at the keyboard, unless the command line says otherwise. */
export function chatDecide(policy: ApprovalPolicy, view: View, prompt: Prompt): Decide {
  if (policy === "all") return byRule(view, { approved: true }, "by --approve all");
  if (policy === "none")
    return byRule(
      view,
      { approved: false, reason: "no refunds or the like are approved at the moment" },
      "by --approve none",
    );
  return byPerson(view, async (question) => {
    const typed = await prompt.ask(question);
    return typeof typed === "object" ? typed.line : undefined;
  });
}

const COMMANDS = `/agents      who hands over to whom, and who has the conversation
/history     the conversation so far
/note TEXT   a note of the staff to whoever has the conversation; it is not handed over
/help        this
/exit        leaves; so does Ctrl-C twice, or Ctrl-D
Anything else is a message to the help desk.`;

/** Talks until the person leaves. Gives the exit code. */
export async function chat(desk: HelpDesk, screen: Screen, prompt: Prompt): Promise<number> {
  screen.note(`${desk.title}\n/help for what you can type, /exit to leave`);
  const before = await desk.conversation.items();
  if (before.length > 0) screen.history(before);
  await resume(desk, screen);
  let interrupts = 0;
  while (true) {
    const typed = await prompt.ask(`\n${screen.paint("bold", "you ›")} `, { remember: true });
    if (typed === "ended") return leave(screen);
    if (typed === "interrupted") {
      interrupts += 1;
      if (interrupts > 1) return leave(screen);
      screen.note("Ctrl-C again to leave");
      continue;
    }
    interrupts = 0;
    const line = typed.line.trim();
    if (line === "/exit" || line === "/quit") return leave(screen);
    if (line.startsWith("/")) await command(line, desk, screen);
    else if (line !== "" && (await answer(desk, screen, line)) === "stopped") interrupts = 1;
  }
}

function leave(screen: Screen): number {
  screen.note("Goodbye.");
  return 0;
}

async function command(line: string, desk: HelpDesk, screen: Screen): Promise<void> {
  const [name = "", ...words] = line.split(/\s+/);
  switch (name) {
    case "/help":
      return screen.note(COMMANDS);
    case "/agents":
      return screen.text(
        drawGraph(desk.entry, (await desk.conversation.session.activeAgent()) ?? desk.entry.name, screen),
      );
    case "/history": {
      const items = await desk.conversation.items();
      return items.length === 0 ? screen.note("Nothing has been said yet.") : screen.history(items);
    }
    case "/note":
      if (words.length === 0) return screen.note("Write the note behind /note.");
      desk.conversation.leaveNote(words.join(" "));
      return screen.note("The note goes in with your next message. It is not handed over to another agent.");
    default:
      return screen.note(`There is no ${name}; /help lists what there is.`);
  }
}
