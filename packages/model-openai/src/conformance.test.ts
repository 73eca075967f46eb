import { chatDialect, responsesDialect, testModel } from "@batonjs/testing/model";
import { describe, it } from "vitest";
import { openai, openaiCompatible } from "./index.ts";

// Nothing is missing: every capability of the suite is tested for both dialects.
const runner = { describe, it: (name: string, body: () => Promise<void>): void => it(name, body, 60_000) };

testModel({ ...runner, dialect: responsesDialect, create: (options) => openai(options).responses("gpt-test") });
testModel({
  ...runner,
  dialect: chatDialect,
  create: (options) => openaiCompatible({ name: "local", ...options }).chat("gpt-test"),
});
