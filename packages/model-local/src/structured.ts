/** Answers that must have a form. */
import type { Json, JsonObject, ModelRequest } from "@batonjs/core";
import { type Field, fieldsOf } from "./arguments/fields.ts";
import { fill } from "./arguments/fill.ts";
import { type Deciding, readState } from "./state.ts";

/** The structured answer that a schema asks for, filled as far as the conversation goes. */
export function structured(request: ModelRequest, deciding: Deciding, text: string): JsonObject {
  const state = readState(request, deciding);
  const fields = request.output ? fieldsOf(request.output.schema) : [];
  const filled = fill(fields, {
    talk: state.talk,
    ...(state.today ? { today: state.today } : {}),
    tool: request.output?.name ?? "",
    asked: [],
    guess: true,
  });
  const values: Record<string, Json> = {};
  for (const field of fields) {
    const value = answersInWords(field)
      ? text
      : Object.hasOwn(filled.arguments, field.name)
        ? filled.arguments[field.name]
        : field.required
          ? placeholder(field, text)
          : undefined;
    if (value !== undefined)
      Object.defineProperty(values, field.name, { value, enumerable: true, configurable: true, writable: true });
  }
  return values;
}

const answersInWords = (field: Field): boolean =>
  field.type === "string" &&
  !field.options &&
  ["answer", "repl", "reply", "respons", "response", "messag", "message", "text", "output", "result"].includes(
    field.stems.at(-1) ?? "",
  );

function placeholder(field: Field, text: string): Json {
  if (field.nullable) return null;
  switch (field.type) {
    case "number":
    case "integer":
      return Math.max(0, field.minimum ?? 0);
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return Object.fromEntries(
        (field.fields ?? []).filter(({ required }) => required).map((inner) => [inner.name, placeholder(inner, text)]),
      );
    case "null":
      return null;
    case "string":
    case "any":
      return field.options?.[0]?.value ?? ((field.minLength ?? 0) > 0 ? text.slice(0, field.maxLength ?? 500) : "");
    default:
      field.type satisfies never;
      return null;
  }
}
