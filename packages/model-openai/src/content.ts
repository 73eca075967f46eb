import { isFields, wellFormed } from "./wire.ts";

/** The API wants a name for data; its ending says what it is. */
export function defaultFilename(dataUrl: string): string {
  const subtype = /^data:[\w.+-]+\/([\w.+-]+)/.exec(dataUrl)?.[1] ?? "bin";
  return `file.${subtype === "plain" ? "txt" : (subtype.split("+")[0] ?? subtype)}`;
}

/** `text` if it is a JSON object; else one that holds it: servers parse the arguments of past calls, and fail on others. */
export function readableArguments(text: string): string {
  try {
    if (isFields(JSON.parse(text))) return wellFormed(text);
  } catch {
    // What a model wrote need not be JSON.
  }
  return JSON.stringify({ invalid_arguments: wellFormed(text) });
}
