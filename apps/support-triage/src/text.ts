/** Text that is safe to show in a terminal, and easy to read there. */

// C0 and C1 controls but tab and line feed, and the marks that turn the direction of text around.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** `text` without what could move the cursor, recolour or reorder what a terminal shows: `␛` instead of an escape. */
export function plain(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(UNSAFE, visible);
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : "";
}

/** `text` on one line, at most `max` characters. */
export function short(text: string, max: number): string {
  const line = plain(text).replace(/\s+/g, " ").trim();
  const characters = Array.from(line.slice(0, max * 2));
  return characters.length <= max && line.length <= max * 2 ? line : `${characters.slice(0, max - 1).join("")}…`;
}

/** A JSON value as people write it, without what is null: `issueType duplicate_charge, urgency medium`. */
export function fields(value: unknown, max = 120): string {
  if (typeof value !== "object" || value === null) return value === undefined ? "" : short(word(value), max);
  const parts = Object.entries(value).flatMap(([name, each]) => (each === null ? [] : [`${name} ${word(each)}`]));
  return short(parts.join(", "), max);
}

function word(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "none");
}

/**
 * Writes text that arrives in pieces as an indented paragraph: every line begins with `margin`, and lines are broken
 * between words before `width` columns. A `width` of `Infinity` breaks none.
 */
export class Paragraph {
  readonly #write: (text: string) => void;
  readonly #margin: string;
  readonly #width: number;
  /** Columns used of the line; -1 before its margin is written. */
  #column = -1;
  /** Spaces that are written once a word follows on the same line. */
  #gap = "";
  #word = "";

  constructor(write: (text: string) => void, margin: string, width: number) {
    this.#write = write;
    this.#margin = margin;
    this.#width = width;
  }

  /** Takes the next piece. The last word of it waits until it is known to be whole. */
  add(text: string): void {
    for (const character of plain(text)) {
      if (character === "\n") this.#break();
      else if (/\s/.test(character)) {
        this.#flush();
        this.#gap += " ";
      } else if (WIDE.test(character)) {
        this.#flush();
        this.#word = character;
        this.#flush();
      } else this.#word += character;
    }
  }

  /** Writes what waits, and ends the line. */
  end(): void {
    this.#flush();
    if (this.#column >= 0) this.#write("\n");
    this.#column = -1;
  }

  #break(): void {
    this.#flush();
    if (this.#column < 0) this.#write(this.#margin.trimEnd());
    this.#write("\n");
    this.#column = -1;
    this.#gap = "";
  }

  #flush(): void {
    if (this.#word === "") return;
    const columns = columnsOf(this.#word);
    if (this.#column > 0 && this.#column + this.#gap.length + columns > this.#width) {
      this.#write("\n");
      this.#column = -1;
    }
    if (this.#column < 0) {
      this.#write(this.#margin);
      this.#column = 0;
      this.#gap = "";
    }
    this.#write(this.#gap + this.#word);
    this.#column += this.#gap.length + columns;
    this.#gap = "";
    this.#word = "";
  }
}

// East Asian wide characters and emoji take two columns.
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff01-\uff60]|\p{Emoji_Presentation}/u;

function columnsOf(word: string): number {
  let columns = 0;
  for (const character of word) columns += WIDE.test(character) ? 2 : /\p{Mn}/u.test(character) ? 0 : 1;
  return columns;
}
