import { basename, dirname, join } from "node:path";
import { type Cassette, type CassetteOptions, openCassette } from "./cassette.ts";

/** The folder beside a test file that has its cassettes. */
export const FOLDER = "__cassettes__";
const MAX_NAME = 80;

/** What is used of the context that vitest gives a test. */
export interface CassetteTest {
  readonly task: {
    readonly name: string;
    readonly fullTestName?: string;
    readonly file: { readonly filepath: string };
    readonly result?: { readonly state: string } | undefined;
  };
  onTestFinished(done: () => void): void;
}

/**
 * The cassette of a test: `__cassettes__/refund.test.ts/charged-twice.json` beside `refund.test.ts`, for the test
 * "charged twice". Tests whose names differ in signs alone need paths of their own.
 */
export function cassettePath(testFile: string, testName: string): string {
  const name = testName
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
  const cut = Array.from(name).slice(0, MAX_NAME).join("");
  if (cut === "") throw new TypeError(`Cannot name a cassette after "${testName}": it has no letter`);
  return join(dirname(testFile), FOLDER, basename(testFile), `${cut}.json`);
}

/**
 * The cassette of a vitest test, one file per test. It is closed when the test has ended, unless the test failed: then
 * nothing is written.
 *
 * ```ts
 * import { run, Agent } from "@batonjs/core";
 * import { openai } from "@batonjs/model-openai";
 * import { cassetteFor } from "@batonjs/testing/cassettes";
 * import { it } from "vitest";
 *
 * it("refunds", async (test) => {
 *   const { model } = await cassetteFor(test, { record: () => openai.responses("gpt-4o") });
 *   await run(new Agent({ name: "Billing", model }), "I was charged twice");
 * });
 * ```
 */
export async function cassetteFor(test: CassetteTest, options: CassetteOptions = {}): Promise<Cassette> {
  const { name, fullTestName = name, file } = test.task;
  const cassette = await openCassette(cassettePath(file.filepath, fullTestName), options);
  test.onTestFinished(() => {
    if (test.task.result?.state !== "fail") cassette.close();
  });
  return cassette;
}
