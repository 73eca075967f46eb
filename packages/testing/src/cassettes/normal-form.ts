import type { Json, JsonObject, ModelRequest } from "@batonjs/core";

/** A model by its names. */
export interface ModelNames {
  readonly name: string;
  readonly provider: string;
}

/** What an agent's definition says of a request. */
export interface Definition {
  /** The model that is asked, where it is known. */
  readonly model: ModelNames | null;
  readonly instructions: string | null;
  readonly tools: readonly JsonObject[];
  readonly handoffs: readonly JsonObject[];
  readonly output: JsonObject | null;
  readonly settings: JsonObject;
}

/** A request without what differs from run to run: ids and times of items, the run, its session and its metadata. */
export interface NormalRequest extends Definition {
  readonly agent: string;
  readonly purpose: string | null;
  /** Calls that lead to a nested run. Not compared: it tells requests apart that are the same. */
  readonly path: readonly string[];
  readonly items: readonly JsonObject[];
}

/** The fields of a definition, in the order in which they are written and compared. */
export const DEFINITION = ["model", "instructions", "tools", "handoffs", "output", "settings"] as const;

/** The request as plain data of its own. */
export function normalForm(request: ModelRequest, model: ModelNames | undefined): NormalRequest {
  const { at, instructions, tools, handoffs, output, settings, items } = request;
  return plain({
    agent: at.agent,
    purpose: at.purpose ?? null,
    path: at.path,
    model: model ? { name: model.name, provider: model.provider } : null,
    instructions: instructions ?? null,
    tools,
    handoffs,
    output: output ?? null,
    settings,
    items: items.map((item) => ({ ...item, id: undefined, at: undefined, path: undefined })),
  }) as unknown as NormalRequest;
}

/** A copy as JSON has it: no undefined fields, nothing shared. */
export function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
