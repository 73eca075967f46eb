import { Agent } from "@batonjs/core";
import { SaxesParser } from "saxes";
import { describe, expect, it } from "vitest";
import { testClock } from "../environment.ts";
import { functionModel } from "../smoke.ts";
import { runScenarios, scenarioJUnit } from "./index.ts";

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** The elements of a document, in the order of their start. Throws for what is no XML. */
function elementsOf(xml: string): readonly Element[] {
  const all: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name, attributes: attributes as Record<string, string>, text: "" };
    all.push(element);
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  parser.on("text", (text) => {
    const element = open.at(-1);
    if (element) element.text += text;
  });
  parser.write(xml).close();
  return all;
}

const nasty = `<b a="1"> & ]]> \u0000\u001b[31m\u0008 \ud800 \ufffe 🙂\r\n`;
let asked = 0;
const agent = new Agent({ name: "Echo", model: functionModel(() => (++asked % 2 === 0 ? nasty : "fine")) });

describe("scenarioJUnit()", () => {
  it("is XML, whatever was said", async () => {
    const report = await runScenarios(
      agent,
      [
        { name: `fails ${nasty}`, turns: [{ user: nasty }, { user: "again", expect: { answer: "fine" } }] },
        {
          name: "mostly",
          repeat: 2,
          minPassRate: 0.5,
          file: "a & b.yaml",
          line: 3,
          turns: [{ user: "hi", expect: { answer: "fine" } }],
        },
        { name: "is fine", file: "a & b.yaml", turns: [{ user: "hi" }] },
      ],
      { clock: testClock() },
    );
    const elements = elementsOf(scenarioJUnit(report));
    const named = (name: string) => elements.filter((element) => element.name === name);
    const [suites] = named("testsuites");
    expect(suites?.attributes).toEqual({ tests: "3", failures: "1", time: "0.000" });
    expect(named("testsuite").map(({ attributes }) => attributes)).toEqual([
      { name: "scenarios", tests: "1", failures: "1", time: "0.000", errors: "0", skipped: "0" },
      { name: "a & b.yaml", tests: "2", failures: "0", time: "0.000", errors: "0", skipped: "0" },
    ]);
    expect(named("testcase").map(({ attributes }) => attributes)).toMatchObject([
      {
        classname: "scenarios",
        name: String.raw`fails <b a="1"> & ]]> \u0000\u001b[31m\u0008 ${"\ufffd"} \ufffe 🙂\u000d` + "\n",
      },
      { classname: "a & b.yaml", name: "mostly", file: "a & b.yaml", line: "3" },
      { classname: "a & b.yaml", name: "is fine" },
    ]);
    const [failure] = named("failure");
    expect(failure?.attributes["message"]).toMatch(/^Expected the run to answer with "fine": its answer is "<b a=/);
    expect(failure?.text).toContain("> Echo: ");
    expect(named("system-out").map(({ text }) => text.split("\n")[0])).toEqual([
      "1 of 2 runs passed, 50 %; at least 50 %",
    ]);
    expect(named("property").map(({ attributes }) => Object.values(attributes).join(" "))).toEqual([
      "passes 0",
      "runs 1",
      "passRate 0",
      "passes 1",
      "runs 2",
      "passRate 0.5",
      "passes 1",
      "runs 1",
      "passRate 1",
    ]);
  });
});
