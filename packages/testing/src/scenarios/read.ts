/// <reference types="node" />
/** Scenarios as YAML. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { AnyAgent } from "@batonjs/core";
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type ScalarTag,
} from "yaml";
import { namesOf, type KnownNames } from "./names.ts";
import { type Path, pathText, problemsOf } from "./problems.ts";
import type { Scenario } from "./scenario.ts";
import { repeatedNames, type ScenarioProblem, ScenariosError, source } from "./scenarios-error.ts";

/** How scenarios are read. */
export interface ReadScenariosOptions {
  /** Names the file in messages and reports. */
  readonly file?: string;
  /** The agent that they are for: names of agents and tools are checked in its graph. */
  readonly agent?: AnyAgent;
}

/**
 * Scenarios of a YAML or JSON text: a list of scenarios, or one. `!regex` makes a regular expression of a text. Throws a
 * `ScenariosError` for all that is wrong, each with its line.
 */
export function readScenarios(text: string, options: ReadScenariosOptions = {}): readonly Scenario[] {
  const { scenarios, problems } = parsed(text, options.file, options.agent && namesOf(options.agent));
  const all = [...problems, ...repeatedNames(scenarios)];
  if (all.length > 0) throw new ScenariosError(all);
  return scenarios;
}

/** Scenarios of several files, as `readScenarios`. What is wrong with any of them is in one error. */
export async function readScenarioFiles(
  files: Iterable<string | URL>,
  options: Omit<ReadScenariosOptions, "file"> = {},
): Promise<readonly Scenario[]> {
  const names = options.agent && namesOf(options.agent);
  const scenarios: Scenario[] = [];
  const problems: ScenarioProblem[] = [];
  for (const each of files) {
    const file = each instanceof URL ? fileURLToPath(each) : each;
    const shown = each instanceof URL ? basename(file) : file;
    try {
      const read = parsed(await readFile(file, "utf8"), shown, names);
      scenarios.push(...read.scenarios);
      problems.push(...read.problems);
    } catch (error) {
      problems.push({ file: shown, message: `it cannot be read: ${(error as Error).message}` });
    }
  }
  const all = [...problems, ...repeatedNames(scenarios)];
  if (all.length > 0) throw new ScenariosError(all);
  return scenarios;
}

/** `!regex ^ch_` or `!regex /^ch_/i` */
const regex: ScalarTag = {
  tag: "!regex",
  resolve(text, onError) {
    const [, pattern = text, flags = ""] = /^\/(.*)\/([a-z]*)$/s.exec(text) ?? [];
    try {
      return new RegExp(pattern, flags);
    } catch (error) {
      onError((error as Error).message);
      return text;
    }
  },
};

interface ParsedScenarios {
  readonly scenarios: readonly Scenario[];
  readonly problems: readonly ScenarioProblem[];
}

function parsed(text: string, file: string | undefined, names: KnownNames | undefined): ParsedScenarios {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, customTags: [regex], prettyErrors: false });
  const lineAt = (offset: number): number => counter.linePos(offset).line;
  const wrong = (line: number, message: string): ScenarioProblem => ({ ...source(file, line), message });
  // An unknown tag is a warning to the parser; here it would be a text that nobody meant.
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0)
    return { scenarios: [], problems: broken.map(({ pos, message }) => wrong(lineAt(pos[0]), message)) };
  const value = valueOf(document);
  if (value instanceof Error)
    return { scenarios: [], problems: [{ ...source(file, undefined), message: value.message }] };
  const isList = Array.isArray(value);
  const list: readonly unknown[] = isList ? value : [value];
  if (value === null || list.length === 0) return { scenarios: [], problems: [wrong(1, "there is no scenario")] };
  const scenarios: Scenario[] = [];
  const problems: ScenarioProblem[] = [];
  for (const [i, each] of list.entries()) {
    const start: Path = isList ? [i] : [];
    const line = lineAt(offsetOf(document, start));
    const found = problemsOf(each, names);
    for (const { path, message } of found) {
      const at = lineAt(offsetOf(document, [...start, ...path]));
      problems.push(wrong(at, path.length === 0 ? message : `${pathText(path)}: ${message}`));
    }
    if (found.length === 0) scenarios.push({ ...(each as Scenario), ...(file === undefined ? {} : { file }), line });
  }
  return { scenarios, problems };
}

/** The document as data; an error for aliases that lead nowhere or blow up. */
function valueOf(document: Document): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    return error as Error;
  }
}

/** Where the key or element at `path` begins, or the nearest around it. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((each) => isPair(each) && isScalar(each.key) && String(each.key.value) === key);
      if (!pair) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[key as number];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
