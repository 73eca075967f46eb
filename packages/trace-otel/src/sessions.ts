/** Session stores with a span for each operation. */
import { type Attributes, context as contexts, trace } from "@opentelemetry/api";
import { type SessionKey, type SessionStore, StoreError } from "@batonjs/core";
import { ERROR_TYPE, GEN_AI, BATON } from "./conventions.ts";
import type { RunTrace } from "./run-trace.ts";
import type { Failure, Settings } from "./spans.ts";
import { inside } from "./inside.ts";

/** Span names of a store's operations. */
const SESSION_SPANS = { read: "read session", append: "append session", delete: "delete session" } as const;

type Guard = <T>(work: () => T) => T | undefined;

/**
 * `store`, traced. An append stands under its run, whose id its items carry. What is done before a run has a span (the
 * first read) stands where the caller is.
 */
export function tracedStore(
  store: SessionStore,
  runOf: (runId: string) => RunTrace | undefined,
  settings: Settings,
  guard: Guard,
): SessionStore {
  async function operation<T>(
    name: string,
    key: SessionKey,
    attributes: Attributes,
    run: RunTrace | undefined,
    work: () => Promise<T>,
    result: (value: T) => Attributes,
  ): Promise<T> {
    const parent = run?.context ?? contexts.active();
    const span = guard(() =>
      settings.tracer.startSpan(
        name,
        { attributes: { [GEN_AI.conversation]: settings.scrub.id(key.id), ...attributes } },
        parent,
      ),
    );
    try {
      const value = await (span ? inside(trace.setSpan(parent, span), work) : work());
      guard(() => span?.setAttributes(result(value)));
      return value;
    } catch (error) {
      guard(() => span?.setAttribute(ERROR_TYPE, failureOf(error).type));
      guard(() => span?.setStatus({ code: 2 }));
      throw error;
    } finally {
      guard(() => span?.end());
    }
  }

  return {
    // Some stores know it only after their first answer.
    get durability() {
      return store.durability;
    },
    read: (key, from) =>
      operation(
        SESSION_SPANS.read,
        key,
        {},
        undefined,
        () => store.read(key, from),
        ({ items, version }) => ({ [BATON.sessionItems]: items.length, [BATON.sessionVersion]: version }),
      ),
    append: (key, items, options) =>
      operation(
        SESSION_SPANS.append,
        key,
        { [BATON.sessionItems]: items.length },
        runOf(runIdOf(items[0]?.id)),
        () => store.append(key, items, options),
        (version) => ({ [BATON.sessionVersion]: version }),
      ),
    delete: (key) =>
      operation(
        SESSION_SPANS.delete,
        key,
        {},
        undefined,
        () => store.delete(key),
        () => ({}),
      ),
    ...(store.list ? { list: (options) => store.list!(options) } : {}),
    ...(store.lease ? { lease: (key, runId, ttlMs) => store.lease!(key, runId, ttlMs) } : {}),
    ...(store.close ? { close: () => store.close!() } : {}),
  };
}

function failureOf(error: unknown): Failure {
  return { type: error instanceof StoreError ? error.code : "_OTHER" };
}

/** Of `runId:seq` and what follows it. */
const runIdOf = (itemId: string | undefined): string => itemId?.replace(/:\d+(?::.*)?$/s, "") ?? "";
