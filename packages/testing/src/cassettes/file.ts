/// <reference types="node" />
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type JsonObject, type ModelReply, sameJson } from "@batonjs/core";
import { CassetteError, HOW_TO_RECORD } from "./cassette-error.ts";
import type { Failure } from "./failure.ts";
import { DEFINITION, type Definition, type NormalRequest } from "./normal-form.ts";
import type { StreamPart } from "./streamed.ts";

/** How a recorded answer ended. None of these: the stream ended without a reply. */
export interface Ending {
  readonly reply?: Omit<ModelReply, "type">;
  readonly error?: Failure;
  /** Its reader stopped: `aborted` the request, or `left` without that. */
  readonly stopped?: "aborted" | "left";
  /** Milliseconds from the last chunk to the end. */
  readonly wait: number;
}

/** A request and its answer. */
export interface Exchange {
  /** From 1, in the order of the requests. */
  readonly number: number;
  readonly request: NormalRequest;
  readonly stream: readonly StreamPart[];
  readonly end: Ending;
}

/** The version of the format. */
const VERSION = 1;

/** An agent's definition as it was at its first request. */
interface WrittenAgent extends Definition {
  readonly agent: string;
  readonly purpose?: string;
}
interface WrittenExchange extends Partial<Definition> {
  readonly number: number;
  readonly agent: string;
  readonly purpose?: string;
  readonly path?: readonly string[];
  /** The items of that exchange's request come first. */
  readonly continues?: number;
  readonly items: readonly JsonObject[];
  readonly stream: readonly StreamPart[];
  readonly end: Ending;
}
interface Written {
  readonly cassette: typeof VERSION;
  readonly agents: readonly WrittenAgent[];
  readonly exchanges: readonly WrittenExchange[];
}

/**
 * Writes the exchanges to `path`. A file that differs in timing alone stays as it is, so that a new recording of the same
 * conversation changes nothing. Folders are made; the file is there whole or not at all.
 */
export function writeCassette(path: string, exchanges: readonly Exchange[]): void {
  const written = abridged(exchanges);
  if (sameJson(withoutTimes(written), withoutTimes(existing(path)))) return;
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.tmp`;
  writeFileSync(unfinished, `${pretty(written)}\n`);
  renameSync(unfinished, path);
}

/** Reads the exchanges at `path`. Throws a `CassetteError` for what is no cassette of this version. */
export function readCassette(path: string): readonly Exchange[] {
  const unreadable = (why: string, cause?: unknown): CassetteError =>
    new CassetteError("unreadable", path, `Cannot read "${path}": ${why}; ${HOW_TO_RECORD} again`, { cause });
  let written: Written;
  try {
    written = JSON.parse(readFileSync(path, "utf8")) as Written;
  } catch (cause) {
    throw unreadable("it is no JSON", cause);
  }
  const version: unknown = (written as Partial<Written> | null)?.cassette;
  if (typeof version === "number" && version !== VERSION) {
    const found = `it is of version ${version} of the format, this is version ${VERSION}`;
    throw new CassetteError("stale", path, `Cannot replay "${path}": ${found}; ${HOW_TO_RECORD} again`);
  }
  if (version !== VERSION) throw unreadable("it is no cassette");
  try {
    return inFull(written);
  } catch (cause) {
    throw unreadable("a field is missing or of the wrong type", cause);
  }
}

function existing(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function withoutTimes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { exchanges, ...rest } = value as Partial<Written>;
  if (!Array.isArray(exchanges)) return value;
  return {
    ...rest,
    exchanges: (exchanges as readonly WrittenExchange[]).map((exchange) => ({
      ...exchange,
      stream: exchange.stream?.map((part) => ({ ...part, waits: part.waits?.length })),
      end: { ...exchange.end, wait: 0 },
    })),
  };
}

/** What was said before is not said again: definitions stand by agent, requests name the request that they continue. */
function abridged(exchanges: readonly Exchange[]): Written {
  const agents: WrittenAgent[] = [];
  const lines = exchanges.map(({ request }) => request.items.map((item) => JSON.stringify(item)));
  const short = exchanges.map(({ number, request, stream, end }, index): WrittenExchange => {
    const { agent, purpose, path, items, ...definition } = request;
    const who = { agent, ...(purpose === null ? {} : { purpose }) };
    const known = definitionOf(agents, who);
    if (!known) agents.push({ ...who, ...ordered(definition) });
    const changed = known ? DEFINITION.filter((field) => !sameJson(known[field], definition[field])) : [];
    const before = longestBeginning(lines, index);
    return {
      number,
      ...who,
      ...(path.length === 0 ? {} : { path }),
      ...Object.fromEntries(changed.map((field) => [field, definition[field]])),
      ...(before === undefined ? {} : { continues: before + 1 }),
      items: before === undefined ? items : items.slice(lines[before]?.length),
      stream,
      end,
    };
  });
  return { cassette: VERSION, agents, exchanges: short };
}

function ordered(definition: Definition): Definition {
  return Object.fromEntries(DEFINITION.map((field) => [field, definition[field]])) as unknown as Definition;
}

function definitionOf<T extends { readonly agent: string; readonly purpose?: string }>(
  agents: readonly T[],
  { agent, purpose }: { readonly agent: string; readonly purpose?: string },
): T | undefined {
  return agents.find((each) => each.agent === agent && each.purpose === purpose);
}

/** The request before `index` with the most items that are the beginning of its items; the last of several. */
function longestBeginning(lines: readonly (readonly string[])[], index: number): number | undefined {
  const all = lines[index] ?? [];
  let found: number | undefined;
  for (const [i, part] of lines.slice(0, index).entries()) {
    if (part.length === 0 || part.length > all.length || part.length < (lines[found ?? -1]?.length ?? 0)) continue;
    if (part.every((line, at) => line === all[at])) found = i;
  }
  return found;
}

function inFull({ agents, exchanges }: Written): readonly Exchange[] {
  const requests: NormalRequest[] = [];
  return exchanges.map(({ number, continues, items, stream, end, ...rest }, index) => {
    const { agent, purpose, path = [], ...changed } = rest;
    const { purpose: _, ...definition } = definitionOf(agents, rest) as WrittenAgent;
    const before = continues === undefined ? [] : (requests[continues - 1] as NormalRequest).items;
    if (number !== index + 1 || typeof end.wait !== "number" || !Array.isArray(stream) || !Array.isArray(items))
      throw new TypeError(`Cannot read exchange ${index + 1}`);
    const request: NormalRequest = {
      ...definition,
      ...changed,
      agent,
      purpose: purpose ?? null,
      path,
      items: [...before, ...items],
    };
    requests.push(request);
    return { number, request, stream, end };
  });
}

const WIDTH = 110;

/** JSON in lines: what fits stands on one. */
function pretty(value: unknown, indent = ""): string {
  const line = spaced(value);
  if (typeof value !== "object" || value === null || indent.length + line.length <= WIDTH) return line;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((each) => deeper + pretty(each, deeper)).join(",\n")}\n${indent}]`;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{\n${fields.map(([key, each]) => `${deeper}${JSON.stringify(key)}: ${pretty(each, deeper)}`).join(",\n")}\n${indent}}`;
}

function spaced(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  if (fields.length === 0) return "{}";
  return `{ ${fields.map(([key, each]) => `${JSON.stringify(key)}: ${spaced(each)}`).join(", ")} }`;
}
