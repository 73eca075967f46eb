/** What depends on the runtime's `fetch` and sockets, of the suite that every model passes. */
import { describe, it } from "node:test";
import { chatDialect, responsesDialect, testModel } from "@batonjs/testing/model";
import { openai, openaiCompatible } from "@batonjs/model-openai";

const runner = {
  describe: (name: string, body: () => void): void => void describe(name, body),
  it: (name: string, body: () => Promise<void>): void => void it(name, body),
  groups: ["an event stream", "an error", "an abort", "a time limit", "HTTP"],
};

testModel({ ...runner, dialect: responsesDialect, create: (options) => openai(options).responses("gpt-test") });
testModel({
  ...runner,
  dialect: chatDialect,
  create: (options) => openaiCompatible({ name: "local", ...options }).chat("gpt-test"),
});
