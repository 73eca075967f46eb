/** Shows a conversation as lines of text: who speaks, what they do, whom they hand over to. */
import type { Content, Item, MessageItem, Pending, RunEvent, Usage } from "@batonjs/core";
import { styleText } from "node:util";
import type { Decision } from "./conversation.ts";
import { Paragraph, fields, plain, short } from "./text.ts";
import type { View } from "./view.ts";

/** What the screen writes to, and what may be used there. */
export interface Look {
  write(text: string): void;
  readonly colour: boolean;
  /** Columns before a line is broken; `Infinity` breaks none. */
  readonly width: number;
  /** Lines may be written over, to show what is being waited for. */
  readonly live: boolean;
}

/** The look that suits a stream: a terminal gets colours (unless NO_COLOR is set) and broken lines. */
export function lookOf(stream: NodeJS.WriteStream): Look {
  return {
    write: (text) => stream.write(text),
    colour: styleText("red", "x", { stream }) !== "x",
    width: stream.isTTY ? Math.min(stream.columns || 80, MAX_WIDTH) - 1 : Number.POSITIVE_INFINITY,
    live: stream.isTTY,
  };
}

const MAX_WIDTH = 100;
const COLOURS = ["cyan", "green", "magenta", "yellow", "blue"] as const;
type Colour = (typeof COLOURS)[number];
type Style = Parameters<typeof styleText>[0];

/** Shows events as they come, and items that have been. */
export class Screen implements View {
  readonly #look: Look;
  /** In the order they first spoke, which gives each its colour. */
  readonly #agents: string[];
  /** Whose block the next line belongs to. */
  #speaker: string | undefined;
  #paragraph: Paragraph | undefined;
  /** A line is shown that says what is being waited for. */
  #waiting = false;
  #usage: Usage | undefined;
  /** When the run began, and how long those took that have ended: people who decide take their time. */
  #started = 0;
  #took = 0;
  /** The arguments of calls that have no result yet. */
  readonly #calls = new Map<string, string>();

  constructor(look: Look, agents: readonly string[] = []) {
    this.#look = look;
    this.#agents = [...agents];
  }

  /** A line that nobody says. */
  note(text: string): void {
    this.#close();
    this.#look.write(`${this.paint("dim", this.wrapped(text).join("\n"))}\n`);
  }

  /** Text that is coloured already. */
  text(text: string): void {
    this.#close();
    this.#look.write(`${text}\n`);
  }

  /** What went wrong, in a sentence. */
  problem(text: string): void {
    this.#close();
    this.#look.write(`${this.paint("red", this.wrapped(`! ${text}`).join("\n"))}\n`);
  }

  /** What the customer says, where they have not typed it here themselves. */
  user(text: string): void {
    this.#close();
    this.#look.write(`\n${this.paint("bold", "you ›")} ${short(text, MAX_SHOWN_MESSAGE)}\n`);
  }

  /** A text as lines that fit, each with the margin. */
  wrapped(text: string, margin = "", width: number = this.#look.width): readonly string[] {
    let lines = "";
    const paragraph = new Paragraph((piece) => (lines += piece), margin, width - margin.length);
    paragraph.add(text);
    paragraph.end();
    return lines.trimEnd().split("\n");
  }

  /** An agent's name in its colour. */
  name(agent: string): string {
    return this.paint(["bold", this.#colour(agent)], plain(agent));
  }

  paint(style: Style, text: string): string {
    return this.#look.colour ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Shows an event of a run. */
  event(event: RunEvent): void {
    switch (event.type) {
      case "run_started":
        this.#started = performance.now();
        return undefined;
      case "turn_started":
        return this.#wait(event.agent, "…");
      case "text_delta":
        return this.#say(event.agent, event.delta);
      case "turn_finished":
        return this.#endParagraph();
      case "turn_reset":
        return this.#act(event.agent, `(asked again: ${short(event.reason, 80)})`, "dim");
      case "tool_started":
        this.#calls.set(event.callId, event.arguments);
        return this.#wait(event.agent, `${event.name} …`);
      case "tool_progress":
        return this.#act(event.agent, `  ${event.name}: ${fields(event.data)} …`, "dim");
      case "tool_finished":
        return this.#tool(event.agent, event.name, this.#argumentsOf(event.callId), event.status, event.output);
      case "handoff":
        return this.#handoff(event.from, event.to, event.item.input, event.toolName, event.before - event.after);
      case "handoff_refused":
        return this.#act(event.agent, `✗ ${event.toolName}: ${short(event.reason, 200)}`, "red");
      case "guardrail":
        if (!event.allowed) this.#act(event.agent, `✗ ${event.name}: ${short(event.reason ?? "no", 200)}`, "red");
        return undefined;
      case "run_finished":
        this.#took += performance.now() - this.#started;
        this.#usage = this.#usage ? add(this.#usage, event.usage) : event.usage;
        return event.status === "paused" ? this.#stopWaiting() : this.#close();
      case "run_failed":
        return this.#close();
      default:
        // Deltas of calls and reasoning, items and the start of a run are not shown.
        return undefined;
    }
  }

  /** The question itself is asked by whoever reads the answer. */
  approval({ agent, name, arguments: args }: Pending, summary: string | undefined): void {
    this.#act(agent, `? ${name} needs a person's approval`, "yellow");
    if (summary !== undefined) this.#act(agent, `  ${summary}`);
    const details = fields(args);
    if (details !== "") this.#act(agent, `  ${details}`, "dim");
  }

  decision({ agent }: Pending, { approved, reason }: Decision, by: string): void {
    this.#decided(agent, approved, [by, reason].filter(Boolean).join(": "));
  }

  /** Shows the usage since it was last shown, and the time that the runs took. */
  answered(): void {
    const usage = this.#usage;
    const took = this.#took;
    this.#usage = undefined;
    this.#took = 0;
    this.#close();
    if (!usage) return;
    const cached = usage.cachedInputTokens > 0 ? ` (${count(usage.cachedInputTokens)} cached)` : "";
    const replies = usage.requests === 1 ? "1 model reply" : `${usage.requests} model replies`;
    const tokens = `${count(usage.inputTokens)} tokens in${cached}, ${count(usage.outputTokens)} out`;
    this.#look.write(`${this.paint("dim", `  ${replies} · ${tokens} · ${duration(took)}`)}\n`);
  }

  /** Shows what has been, from the record. */
  history(items: readonly Item[]): void {
    const tools = new Map<string, { readonly agent: string; readonly name: string }>();
    for (const item of items) {
      switch (item.type) {
        case "message":
          this.#said(item);
          break;
        case "tool_call":
          this.#calls.set(item.callId, item.arguments);
          tools.set(item.callId, { agent: item.agent ?? "", name: item.name });
          break;
        case "tool_result": {
          const tool = tools.get(item.callId);
          if (tool && !tool.name.startsWith("transfer_"))
            this.#tool(tool.agent, tool.name, this.#argumentsOf(item.callId), item.status, item.output);
          break;
        }
        case "approval": {
          const tool = tools.get(item.callId);
          if (tool && item.decision !== "asked")
            this.#decided(tool.agent, item.decision === "approved", item.reason ?? "");
          break;
        }
        case "handoff":
          this.#handoff(item.from, item.to, item.input, tools.get(item.callId ?? "")?.name, 0);
          break;
        default:
        // Usage, views and the notes of plugins are no part of what was said.
      }
    }
    this.#close();
  }

  #said({ role, agent, content }: MessageItem): void {
    if (agent !== undefined) {
      this.#say(agent, textOf(content));
      this.#endParagraph();
    } else if (role === "user") this.user(textOf(content));
    else this.note(`\n  ${textOf(content)}`);
  }

  #colour(agent: string): Colour {
    let place = this.#agents.indexOf(agent);
    if (place < 0) place = this.#agents.push(agent) - 1;
    return COLOURS[place % COLOURS.length] ?? "cyan";
  }

  #margin(agent: string): string {
    return `${this.paint(this.#colour(agent), "│")} `;
  }

  /** Ends what is being said and shown, and begins the block of `agent` where another had the word. */
  #turnTo(agent: string): void {
    this.#stopWaiting();
    if (this.#speaker === agent) return;
    this.#endParagraph();
    this.#speaker = agent;
    this.#look.write(`\n${this.name(agent)}\n`);
  }

  #say(agent: string, text: string): void {
    this.#turnTo(agent);
    this.#paragraph ??= new Paragraph((piece) => this.#look.write(piece), this.#margin(agent), this.#look.width - 2);
    this.#paragraph.add(text);
  }

  /** What an agent does. Lines that follow from breaking it are indented like the first. */
  #act(agent: string, text: string, style?: Style): void {
    this.#turnTo(agent);
    this.#endParagraph();
    const [indent = ""] = /^ */.exec(text) ?? [];
    for (const line of this.wrapped(text, indent, this.#look.width - 2)) {
      this.#look.write(`${this.#margin(agent)}${style === undefined ? line : this.paint(style, line)}\n`);
    }
  }

  #decided(agent: string, approved: boolean, words: string): void {
    const said = words === "" ? "" : ` (${short(words, 200)})`;
    this.#act(agent, approved ? `✓ approved${said}` : `✗ rejected${said}`, approved ? "green" : "red");
  }

  /** The arguments of a call, read once. */
  #argumentsOf(callId: string): string {
    const given = this.#calls.get(callId) ?? "";
    this.#calls.delete(callId);
    try {
      return fields(JSON.parse(given), 100);
    } catch {
      return short(given, 100);
    }
  }

  #tool(agent: string, name: string, args: string, status: string, output: string): void {
    this.#act(agent, `• ${name}${args === "" ? "" : `  ${args}`}`, "dim");
    if (status !== "ok") this.#act(agent, `  ${status}: ${short(output, 160)}`, "red");
  }

  #handoff(from: string, to: string, payload: unknown, toolName: string | undefined, hidden: number): void {
    this.#turnTo(from);
    this.#act(from, `${toolName === "transfer_back" ? "← back to" : "→"} ${to}`, ["bold", this.#colour(to)]);
    const details = fields(payload);
    if (details !== "") this.#act(from, `  ${details}`, "dim");
    if (hidden > 0) this.#act(from, `  ${hidden === 1 ? "1 item" : `${hidden} items`} held back by the filter`, "dim");
  }

  #wait(agent: string, what: string): void {
    if (!this.#look.live || this.#paragraph) return;
    this.#stopWaiting();
    this.#look.write(this.paint("dim", `  ${short(`${agent} ${what}`, 60)}`));
    this.#waiting = true;
  }

  #stopWaiting(): void {
    if (this.#waiting) this.#look.write("\r\u001b[K");
    this.#waiting = false;
  }

  #endParagraph(): void {
    this.#paragraph?.end();
    this.#paragraph = undefined;
  }

  #close(): void {
    this.#stopWaiting();
    this.#endParagraph();
    this.#speaker = undefined;
  }
}

/** Of a long message of the customer, what is shown again. */
const MAX_SHOWN_MESSAGE = 500;

function textOf(content: Content): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : `[${part.type}]`)).join("");
}

const count = (tokens: number): string => tokens.toLocaleString("en-US");
const duration = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

function add(a: Usage, b: Usage): Usage {
  return {
    requests: a.requests + b.requests,
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    totalTokens: a.totalTokens + b.totalTokens,
  };
}
