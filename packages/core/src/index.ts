/**
 * Agents that hand conversations to each other.
 *
 * @module
 */
export { Agent } from "./agent.ts";
export { type RunArguments, Runner, run, stream } from "./runner.ts";
export type { RunnerOptions, RunOptions } from "./config.ts";
export type { CompletedResult, PausedResult, RunResult } from "./result.ts";
export type { RunStream } from "./stream.ts";
export type { Session } from "./session.ts";
export type { ConcurrentTurns } from "./turns.ts";
export { approve, reject, toolResult } from "./input.ts";
export { tool } from "./tool.ts";
export { type HandBackOptions, handBack, handoff } from "./handoff.ts";
export {
  compose,
  dropMessages,
  dropToolItems,
  type GenericFilter,
  keepLast,
  type Redaction,
  redact,
  type SummarizeOptions,
  summarize,
} from "./filters.ts";
export * from "./store-checks.ts";
export * from "./wrappers/cached.ts";
export * from "./wrappers/encrypted.ts";
export { type CompactOptions, compact } from "./compact.ts";
export {
  MAX_SEALED_LENGTH,
  type Nonces,
  type OpenedState,
  type SealKey,
  type SealOptions,
  type Seals,
  seals,
} from "./seals.ts";
export { withStream, wrapModel } from "./wrappers/wrap.ts";
export { type RetryOptions, retry } from "./wrappers/retry.ts";
export { type TimeoutOptions, timeout } from "./wrappers/timeout.ts";
export { type FallbackOptions, fallback } from "./wrappers/fallback.ts";
export { type BudgetOptions, budget } from "./wrappers/budget.ts";
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
export { MemoryStore, type MemoryStoreOptions, memorySessions } from "./memory-store.ts";
export { inProcess } from "./engine.ts";
export { type Clock, type NewId, type Random, countingIds, randomId, systemClock } from "./environment.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { exampleList } from "./names.ts";
export { checkKeys } from "./options.ts";
export { sameJson } from "./json.ts";
