/** Numbers, colours and texts for a terminal. */
import { styleText } from "node:util";
import type { Cost } from "@batonjs/core/tracing";

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";
/** Colours a text, or does not. */
export type Paint = (colour: Colour, text: string) => string;

/** Paints where `colours`. */
export function painter(colours: boolean): Paint {
  return colours ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_, text) => text;
}

/** `812 ms`, `1.2 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** `1,240 → 310 tokens`. */
export function tokens(input: number, output: number): string {
  return `${count(input)} → ${count(output)} tokens`;
}

export const count = (number: number): string => number.toLocaleString("en-US");

/** `$0.0012`, with what is not known: unknown is never free. */
export function price(cost: Cost | undefined): string | undefined {
  if (!cost) return undefined;
  const known = cost.usd === undefined ? undefined : dollars(cost.usd);
  if (cost.unknown.length === 0) return known;
  return `${known === undefined ? "cost unknown" : `${known} and more`} (no price for ${cost.unknown.join(", ")})`;
}

export function dollars(usd: number): string {
  return `$${usd >= 1 || usd === 0 ? usd.toFixed(2) : usd.toPrecision(2).replace(/e-\d+$/, (end) => end)}`;
}

/** `1 call`, `2 calls`. */
export const plural = (number: number, word: string): string => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

/** A text on one line, at most `max` wide. What terminals obey is shown as `?`. */
export function short(text: string, max: number): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "?");
  return line.length <= max ? line : `${line.slice(0, Math.max(0, max - 1)).toWellFormed()}…`;
}
