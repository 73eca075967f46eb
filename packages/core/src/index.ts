/**
 * Agents that hand conversations to each other.
 *
 * @module
 */
export { Agent } from "./agent.ts";
export { tool } from "./tool.ts";
export { type HandBackOptions, handBack, handoff } from "./handoff.ts";
export * from "./items.ts";
export * from "./errors.ts";
export type { Json, JsonObject } from "./json.ts";
export type * from "./definitions.ts";
export type * from "./events.ts";
export type * from "./contracts/model.ts";
export type * from "./contracts/plugin.ts";
export type * from "./contracts/engine.ts";
export { encodeKey, sessionKey } from "./contracts/session.ts";
export type * from "./contracts/session.ts";
export { type AnySchema, type JsonSchema, type Parsed, type Schema, jsonSchemaOf } from "./schema.ts";
