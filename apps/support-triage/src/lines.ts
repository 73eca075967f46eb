/** Lines of text, from a pipe or from a person at a terminal. */
import { createInterface } from "node:readline";

/** The longest line that is read, in UTF-16 units; what is longer is cut. */
const MAX_LINE_LENGTH = 1_000_000;

/** The lines of a stream as they come, the last one also without a line break. */
export async function* linesOf(stream: AsyncIterable<string | Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })).split("\n");
    parts[0] = (rest + parts[0]).slice(0, MAX_LINE_LENGTH);
    rest = parts.pop() ?? "";
    for (const line of parts) yield line.replace(/\r$/, "");
  }
  rest += decoder.decode();
  if (rest !== "") yield rest.replace(/\r$/, "");
}

/** What came of asking a person for a line: the line, Ctrl-C, or the end of input. */
export type Typed = { readonly line: string } | "interrupted" | "ended";

/**
 * Asks a person at the terminal. Between two questions the terminal is its own again, so that Ctrl-C reaches the
 * process while an answer is running, and what is typed meanwhile waits for the next question.
 */
export class Prompt {
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  #history: string[] = [];
  /** Lines that were pasted together with the one that was asked for. */
  readonly #ahead: string[] = [];

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
    this.#input = input;
    this.#output = output;
  }

  async ask(question: string, { remember = false }: { readonly remember?: boolean } = {}): Promise<Typed> {
    const pasted = this.#ahead.shift();
    if (pasted !== undefined) {
      this.#output.write(`${question}${pasted}\n`);
      return { line: pasted };
    }
    const history = remember ? [...this.#history] : [];
    const reader = createInterface({
      input: this.#input,
      output: this.#output,
      terminal: true,
      history,
      historySize: 200,
    });
    try {
      return await new Promise<Typed>((resolve) => {
        let asked = true;
        reader.on("line", (line) => {
          if (!asked) this.#ahead.push(line);
          asked = false;
          // Later, as lines that were pasted with this one come in the same breath.
          setImmediate(() => resolve({ line }));
        });
        const stop = (how: "interrupted" | "ended"): void => {
          if (asked) this.#output.write("\n");
          asked = false;
          resolve(how);
        };
        reader.on("SIGINT", () => stop("interrupted"));
        reader.on("close", () => stop("ended"));
        if (remember) reader.on("history", (lines) => (this.#history = lines));
        reader.setPrompt(question);
        reader.prompt();
      });
    } finally {
      reader.close();
    }
  }
}
