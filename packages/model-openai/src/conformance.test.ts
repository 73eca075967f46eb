import { chatDialect, responsesDialect, testModel } from "@batonjs/testing/model";
import { describe, expect, it } from "vitest";
import { openai, openaiCompatible } from "./index.ts";

// Nothing is missing: every capability of the suite is tested for both dialects.
const runner = { describe, it: (name: string, body: () => Promise<void>): void => it(name, body, 60_000) };

testModel({ ...runner, dialect: responsesDialect, create: (options) => openai(options).responses("gpt-test") });
testModel({
  ...runner,
  dialect: chatDialect,
  create: (options) => openaiCompatible({ name: "local", ...options }).chat("gpt-test"),
});

it("the suite fails where a capability is declared missing that is there", async () => {
  const declared: { name: string; body: () => Promise<void> }[] = [];
  testModel({
    describe: (_, body) => body(),
    it: (name, body) => void declared.push({ name, body }),
    dialect: responsesDialect,
    create: (options) => openai(options).responses("gpt-test"),
    missing: { images: "not in this model" },
  });
  const images = declared.filter(({ name }) => name.endsWith("(missing: not in this model)"));
  expect(images.map(({ name }) => name)).toEqual(["shows images (missing: not in this model)"]);
  await expect(images[0]?.body()).rejects.toThrow('"images" is declared missing, but this works');
});
