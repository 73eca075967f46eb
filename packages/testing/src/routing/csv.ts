/** Rows of a CSV file, as RFC 4180 writes them and as spreadsheets do. */

/** One row and where it begins. */
export interface CsvRow {
  /** From 1. */
  readonly line: number;
  readonly fields: readonly string[];
  /** What is wrong with its quotes. */
  readonly problem?: string;
}

/** The rows of `text` that are not blank. Never throws: a broken row says what is wrong with it. */
export function csvRows(text: string, separator: string): readonly CsvRow[] {
  const rows: CsvRow[] = [];
  let line = 1;
  for (let at = 0; at < text.length;) {
    const row = readRow(text, at, separator);
    const isBlank = row.fields.length === 1 && row.fields[0]?.trim() === "" && row.problem === undefined;
    if (!isBlank)
      rows.push({ line, fields: row.fields, ...(row.problem === undefined ? {} : { problem: row.problem }) });
    line += text.slice(at, row.end).split("\n").length - 1;
    at = row.end;
  }
  return rows;
}

/** The separator that the first line uses: a comma, a semicolon or a tab. */
export function separatorOf(text: string): string {
  const [first = ""] = text.split("\n", 1);
  const plain = first.replaceAll(/"(?:[^"]|"")*"/g, "");
  return [",", ";", "\t"].find((sign) => plain.includes(sign)) ?? ",";
}

interface ReadRow {
  readonly fields: readonly string[];
  /** Where the next row begins. */
  readonly end: number;
  readonly problem?: string;
}

function readRow(text: string, start: number, separator: string): ReadRow {
  const fields: string[] = [];
  let problem: string | undefined;
  for (let at = start; ; at++) {
    const field = text[at] === '"' ? quotedField(text, at, separator) : plainField(text, at, separator);
    fields.push(field.value);
    problem ??= field.problem;
    at = field.end;
    if (text[at] !== separator || at >= text.length) {
      return { fields, end: Math.min(text.length, at + 1), ...(problem === undefined ? {} : { problem }) };
    }
  }
}

interface Field {
  readonly value: string;
  /** Where the separator or the line break behind it is. */
  readonly end: number;
  readonly problem?: string;
}

function plainField(text: string, start: number, separator: string): Field {
  let end = start;
  while (end < text.length && text[end] !== separator && text[end] !== "\n") end++;
  return { value: text.slice(start, end).replace(/\r$/, ""), end };
}

function quotedField(text: string, start: number, separator: string): Field {
  let value = "";
  for (let at = start + 1; ;) {
    const close = text.indexOf('"', at);
    if (close < 0) return neverClosed(text, start);
    value += text.slice(at, close);
    if (text[close + 1] === '"') {
      value += '"';
      at = close + 2;
      continue;
    }
    const rest = plainField(text, close + 1, separator);
    if (rest.value.trim() === "") return { value, end: rest.end };
    // It is the opening quote of a later row that was taken for the closing one.
    if (value.includes("\n")) return neverClosed(text, start);
    return { value: value + rest.value, end: rest.end, problem: "has text behind a closing quote" };
  }
}

/** One quote does not swallow the rest of the file: the row ends with its line. */
const neverClosed = (text: string, start: number): Field => ({
  ...plainField(text, start, "\n"),
  problem: "has a quote that is never closed",
});
