/** The catalogue of bad inputs, 1 to 277: each number is data here, a test of a suite or elsewhere, or does not apply. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chatDialect, responsesDialect, testModel } from "../model/index.ts";
import {
  hostileArguments,
  hostileKeys,
  hostileNamePairs,
  hostileNames,
  hostilePayloads,
  hostileResults,
  hostileStates,
  hostileTexts,
  hostileThrown,
} from "./index.ts";

/** Numbers of the data. */
const DATA: ReadonlySet<number> = new Set(
  [
    ...hostileArguments,
    ...hostileNames,
    ...hostileNamePairs.tools,
    ...hostileNamePairs.agents,
    ...hostileTexts,
    ...hostileKeys,
    ...hostileStates("baton1.MQ.e30.AA"),
    ...hostileResults,
    ...hostileThrown,
    ...hostilePayloads,
  ].flatMap(({ number }) => number ?? []),
);

/** Numbers in the names of the tests of the suite for models, of both dialects: C3 to C5. */
function suite(): ReadonlySet<number> {
  const names: string[] = [];
  for (const dialect of [chatDialect, responsesDialect]) {
    testModel({
      describe: (_, body) => body(),
      it: (name) => void names.push(name),
      dialect,
      create: () => expect.unreachable("No test is run"),
    });
  }
  return new Set(names.flatMap((name) => /^(\d+(?:, \d+)*):/.exec(name)?.[1]?.split(", ").map(Number) ?? []));
}

/** Tests of what is no single value, by the file under `packages` and words of the test. */
const ELSEWHERE: Readonly<Record<number, readonly [file: string, words: string]>> = {
  57: ["core/src/handoff.test.ts", "a tool of another agent (C2 57) is not known"],
  132: ["testing/src/model/wire.ts", "500 that is said to be final"],
  133: ["testing/src/model/wire.ts", "429 insufficient_quota"],
  134: ["testing/src/model/wire.ts", 'what: "529"'],
  185: ["testing/src/corpus/keys.ts", '{ tenant: "a", id: "b:c" }'],
  193: ["testing/src/corpus/corpus.test.ts", "(C8 193, 194)"],
  194: ["testing/src/corpus/corpus.test.ts", "(C8 193, 194)"],
  197: ["core/src/handoff-modes.test.ts", "answers what the agent that is gone has left open"],
  198: ["core/src/approvals.test.ts", "is checked again when it is approved: arguments by the new schema"],
  224: ["core/src/perform/calls.test.ts", "that changes its arguments changes nothing in the record"],
  228: ["testing/src/corpus/corpus.test.ts", "(C10 228, 229, 235)"],
  229: ["testing/src/corpus/corpus.test.ts", "(C10 228, 229, 235)"],
  235: ["testing/src/corpus/corpus.test.ts", "(C10 228, 229, 235)"],
  236: ["core/src/handoff-modes.test.ts", "is refused with a reason: A→B→A→B"],
};

/** What does not apply to Baton, and why. */
const NONE: readonly { readonly from: number; readonly to: number; readonly why: string }[] = [
  { from: 205, to: 205, why: "there is one version of sealed states; the next one brings blobs of this one" },
  {
    from: 223,
    to: 223,
    why: "process.exit() and what is thrown in a timer of a tool's own reach the process, not Baton",
  },
  {
    from: 238,
    to: 258,
    why: "C11: Baton fetches no URL that a model or a user has written: files go to the provider by name",
  },
  { from: 259, to: 277, why: "C12: there is no development server" },
];

describe("the catalogue", () => {
  const found = suite();
  const none = new Set(NONE.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)));
  const elsewhere = new Set(Object.keys(ELSEWHERE).map(Number));

  it("has every number from 1 to 277", () => {
    const missing = Array.from({ length: 277 }, (_, i) => i + 1).filter(
      (number) => ![DATA, found, elsewhere, none].some((numbers) => numbers.has(number)),
    );
    expect(missing).toEqual([]);
  });

  it("has none twice: what does not apply is not tested, and what is data is not elsewhere", () => {
    for (const number of none) expect([DATA.has(number), found.has(number), elsewhere.has(number)]).not.toContain(true);
    for (const number of elsewhere) expect([number, DATA.has(number) || found.has(number)]).toEqual([number, false]);
  });

  it.each(Object.entries(ELSEWHERE))("%s is where it is said to be", (_, [file, words]) => {
    expect(readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8")).toContain(words);
  });
});
