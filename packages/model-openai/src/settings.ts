import type {
  FunctionSpec,
  HandoffSpec,
  Json,
  JsonObject,
  ModelRequest,
  ModelSettings,
  OutputSpec,
} from "@batonjs/core";
import { Failed } from "./events.ts";
import type { Server } from "./server.ts";
import { looseSchema, strictSchema } from "./strict.ts";

/** Fields of a request that are not the caller's to set: they follow from the run. */
const RESERVED: ReadonlySet<string> = new Set([
  "model",
  "input",
  "messages",
  "instructions",
  "tools",
  "stream",
  "n",
  "background",
  "conversation",
  "previous_response_id",
]);

/**
 * What the caller set for this provider alone, as fields of the request: `serviceTier` is sent as `service_tier`. A field
 * that we do not know goes out all the same, so that what a provider adds can be used on the day it does.
 */
export function extraFields(settings: ModelSettings, provider: string): Record<string, Json> {
  const extra: Record<string, Json> = {};
  const options: JsonObject = settings.providerOptions?.[provider] ?? {};
  for (const [name, value] of Object.entries(options)) {
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (RESERVED.has(field)) {
      throw refused(
        `providerOptions.${provider}.${name} cannot be set: it follows from the run${field === "conversation" || field === "previous_response_id" ? "; use the option continuation" : ""}`,
      );
    }
    extra[field] = value;
  }
  return extra;
}

/** A request that cannot be sent, with the reason. */
export function refused(message: string): Failed {
  return new Failed({ kind: "invalid_request", message, retryable: false });
}

/** All functions that the model may call: the tools, then the handoffs. */
export function functionsOf(request: ModelRequest): readonly (FunctionSpec | HandoffSpec)[] {
  const { tools, handoffs } = request;
  const functions = tools.filter((tool) => tool.type === "function");
  return handoffs.length === 0 ? functions : [...functions, ...handoffs];
}

/** A schema as it goes out. `strict` is left out where nothing is to be said of it. */
export interface WireSchema {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly strict: boolean | undefined;
}

/** The parameters of a function: held to strictly where that was asked for, or where the schema allows it. */
export function parametersOf(spec: FunctionSpec | HandoffSpec, { compatibility }: Server): WireSchema {
  const what = spec.type === "handoff" ? "handoff" : "tool";
  return wireSchema(
    spec.parameters,
    spec.strict,
    compatibility.strictFunctions,
    `the parameters of ${what} "${spec.name}"`,
  );
}

/** The form of the answer. */
export function outputSchemaOf({ name, schema, strict }: OutputSpec): WireSchema & { readonly name: string } {
  if (schema.type !== "object") throw refused(`the output schema "${name}" must be that of an object; wrap it in one`);
  return {
    ...wireSchema(schema, strict, true, `the output schema "${name}"`),
    name: name.replace(/[^\w-]/g, "_").slice(0, 64) || "output",
  };
}

function wireSchema(
  schema: FunctionSpec["parameters"],
  asked: boolean | undefined,
  byDefault: boolean,
  what: string,
): WireSchema {
  if (asked === false || (asked === undefined && !byDefault)) return { schema: looseSchema(schema), strict: asked };
  const { schema: adapted, reason } = strictSchema(schema);
  if (adapted) return { schema: adapted, strict: true };
  if (asked) throw refused(`${what} cannot be strict: ${reason}`);
  return { schema: looseSchema(schema), strict: false };
}
