/** The figures as tables. */
import { type Entry, FLOOR } from "./contestants.ts";

export interface Row {
  readonly contestant: string;
  readonly value?: number;
  /** Times bare-plus. */
  readonly ratio?: number;
  /** Why there is no value. */
  readonly error?: string;
}

/** One figure of all contestants. */
export interface Line {
  readonly what: string;
  readonly unit: string;
  /** At most this many times the floor; of rows without ratios, at most this value. */
  readonly goal: number;
  /** Who ratios are taken to. @default bare-plus */
  readonly floor?: string;
  readonly rows: readonly Row[];
}

const number = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
const times = (ratio: number): string => `${ratio >= 10 ? Math.round(ratio).toLocaleString("en") : ratio.toFixed(1)}×`;
const withUnit = (value: number, unit: string): string =>
  unit === "×" ? `${value.toFixed(2)}×` : unit === "" ? String(value) : `${number(value)} ${unit}`;

const rowOf = ({ rows }: Line, id: string): Row | undefined => rows.find(({ contestant }) => contestant === id);
const isRatio = ({ rows }: Line): boolean => rows.some(({ ratio }) => ratio !== undefined);
const goalOf = (line: Line): string => (isRatio(line) ? `${line.goal}×` : withUnit(line.goal, line.unit));
const isMet = (line: Line, { value = Infinity, ratio }: Row): boolean => (ratio ?? value) <= line.goal;

function cell(line: Line, id: string): string {
  const row = rowOf(line, id);
  if (!row) return "–";
  if (row.value === undefined) return row.error ?? "–";
  const ratio = row.ratio === undefined || id === (line.floor ?? FLOOR) ? "" : ` (${times(row.ratio)})`;
  const verdict = id.startsWith("baton") ? (isMet(line, row) ? " met" : " **missed**") : "";
  return `${withUnit(row.value, line.unit)}${ratio}${verdict}`;
}

/** One figure as a line of the table of all contestants. */
export function tableLine(line: Line, entries: readonly Entry[]): string {
  return `| ${[line.what, ...entries.map(({ id }) => cell(line, id)), goalOf(line)].join(" | ")} |`;
}

const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, ["---", ...head.slice(1).map(() => "--:")], ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The best of the others at one figure. */
function bestPeer(line: Line, peers: readonly Entry[]): string {
  const best = line.rows
    .filter(({ contestant, value }) => value !== undefined && peers.some(({ id }) => id === contestant))
    .toSorted((a, b) => a.value! - b.value!)[0];
  if (!best) return "–";
  return `${withUnit(best.value!, line.unit)} (${peers.find(({ id }) => id === best.contestant)!.title})`;
}

/** RESULTS.md. */
export function markdown(
  lines: readonly Line[],
  entries: readonly Entry[],
  setting: string,
  notes: readonly string[],
): string {
  const own = entries.filter(({ id }) => /^(bare|baton|fetch$|openai-client$)/.test(id));
  const peers = entries.filter((entry) => !own.includes(entry));
  const goals = lines.map((line) => {
    const floor = rowOf(line, line.floor ?? FLOOR)?.value;
    const baton = rowOf(line, "baton");
    const value = baton?.value === undefined ? "–" : withUnit(baton.value, line.unit);
    const ratio = baton?.ratio === undefined ? "" : times(baton.ratio);
    const verdict = baton && isMet(line, baton) ? "met" : "**missed**";
    const lowest = floor === undefined ? "–" : withUnit(floor, line.unit);
    return [line.what, lowest, value, ratio, goalOf(line), verdict, bestPeer(line, peers)];
  });
  const all = (some: readonly Entry[]): string =>
    table(
      ["", ...some.map(({ title }) => title)],
      lines.map((line) => [line.what, ...some.map(({ id }) => cell(line, id))]),
    );
  return `# Results

${setting} Written by \`pnpm bench\`; see [README.md](README.md).

## Baton and its goals

${table(["", "floor", "Baton", "ratio", "goal", "", "best peer"], goals)}

## Baton and the baselines

In parentheses: times the floor, which is the openai client in S9 and bare-plus elsewhere.

${all(own)}

## Peers

${all(peers)}

${notes.map((note) => `- ${note}`).join("\n")}
`;
}
