/**
 * The suite that every model adapter passes: ours and yours. It has a provider on loopback that speaks the wire format,
 * so it needs sockets: Node, Deno or Bun.
 *
 * ```ts
 * import { describe, it } from "vitest";
 * import { chatDialect, testModel } from "@batonjs/testing/model";
 * import { openaiCompatible } from "@batonjs/model-openai";
 *
 * testModel({
 *   describe,
 *   it: (name, body) => it(name, body, 60_000),
 *   dialect: chatDialect,
 *   create: (options) => openaiCompatible({ name: "mine", ...options }).chat("model"),
 * });
 * ```
 *
 * @module
 */
import { testChunks, testEventStream, testOddStreams, testReplies, testTruncation } from "./decoding.ts";
import { declareGroup } from "../session-store/group.ts";
import { testErrors, testRetries, testSecrets } from "./failures.ts";
import { startProvider } from "./provider.ts";
import { testRequests } from "./requests.ts";
import { testAborts, testHttp, testTimeouts } from "./sockets.ts";
import type { Capability, Group, ModelSuite } from "./suite.ts";

export { chatDialect } from "./dialects/chat.ts";
export { responsesDialect } from "./dialects/responses.ts";
export { type Handler, type LoopbackProvider, type ReceivedRequest, respond, startProvider } from "./provider.ts";
export type { Capability, ModelSuite, ModelUnderTest } from "./suite.ts";
export type {
  Encoded,
  ErrorCase,
  OddOutcome,
  OddStream,
  SeenFunction,
  SeenMessage,
  SeenRequest,
  WireCall,
  WireDialect,
  WireError,
  WireReply,
  WireUsage,
} from "./wire.ts";
export { event } from "./wire.ts";

const GROUPS = {
  "a request": testRequests,
  replies: testReplies,
  "the chunks of a stream": testChunks,
  "a stream that is cut": testTruncation,
  "an event stream": testEventStream,
  "an odd stream": testOddStreams,
  "an error": testErrors,
  "a secret": testSecrets,
  "the retry wrapper": testRetries,
  "an abort": testAborts,
  "a time limit": testTimeouts,
  HTTP: testHttp,
} as const;

/** Declares the suite's tests. Capabilities are verified both ways: what an adapter says it cannot do must fail, too. */
export function testModel(suite: ModelSuite): void {
  const needed = (needs: readonly Capability[]): Capability | undefined =>
    needs.find((need) => suite.missing?.[need] !== undefined);
  const groupWith = (it: ModelSuite["it"]): Group => {
    const test: Group["test"] = (name, body, ...needs) => {
      const lacks = needed(needs);
      if (lacks === undefined) it(name, body);
      else it(`${name} (missing: ${suite.missing?.[lacks]})`, () => mustFail(body, lacks));
    };
    return {
      ...suite,
      it,
      test,
      socketTest(name, handler, body, ...needs) {
        if (suite.network === false) return;
        test(
          name,
          async () => {
            const provider = await startProvider(handler);
            try {
              await body(provider);
            } finally {
              await provider.close();
            }
          },
          ...needs,
        );
      },
    };
  };
  const unknown = suite.groups?.find((name) => !Object.hasOwn(GROUPS, name));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot run the group "${unknown}": known groups are ${Object.keys(GROUPS).join(", ")}`);
  }
  for (const [name, declare] of Object.entries(GROUPS)) {
    if (suite.groups && !suite.groups.includes(name)) continue;
    declareGroup(suite, `${suite.dialect.name}: ${name}`, (it) => declare(groupWith(it)));
  }
}

async function mustFail(body: () => Promise<void>, lacks: Capability): Promise<void> {
  try {
    await body();
  } catch {
    return;
  }
  throw new Error(`"${lacks}" is declared missing, but this works: remove it from \`missing\``);
}
