import { type Plugin, type RunEvent } from "@batonjs/core";
import { Scrubber } from "@batonjs/core/tracing";
import { describe, expect, it } from "vitest";
import { testExporter, testTracer, spanTree, type ExporterUnderTest, type TracerUnderTest } from "./index.ts";

/** Runs a suite and gives the names of the tests that fail. */
async function failures(declare: (runner: { describe: Describe; it: It }) => void): Promise<string[]> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  const groups: string[] = [];
  declare({
    describe: (name, body) => {
      groups.push(name);
      body();
      groups.pop();
    },
    it: (name, body) => tests.push({ name: [...groups, name].join(": "), body }),
  });
  const failed: string[] = [];
  for (const { name, body } of tests) await body().catch((error: Error) => failed.push(`${name} (${error.message})`));
  return failed;
}
type Describe = (name: string, body: () => void) => unknown;
type It = (name: string, body: () => Promise<void>) => unknown;

/** A tracer that writes what `line` gives. */
function tracer(line: (event: RunEvent) => string, more: Partial<Plugin> = {}): TracerUnderTest {
  const lines: string[] = [];
  return {
    plugin: { name: "test", onEvent: (event) => void lines.push(line(event)), ...more },
    written: () => lines.join("\n"),
  };
}
const names = (event: RunEvent): string => `${event.type} ${event.agent}`;

describe("testTracer()", () => {
  const failed = (create: (options: { capture: boolean }) => TracerUnderTest): Promise<string[]> =>
    failures((runner) => testTracer({ ...runner, create }));

  it("passes a tracer that tells what it may", async () => {
    const found = await failed(({ capture }) => tracer(capture ? sanitized : names));
    expect(found).toEqual([]);
  });

  it("fails one that gives everything away", async () => {
    const found = await failed(() => tracer((event) => JSON.stringify(event)));
    expect(found.filter((name) => name.includes("no contents of"))).toHaveLength(13);
    expect(found.find((name) => name.includes("no secrets of tools"))).toMatch(/the (bearer|password) got out/);
  });

  it("fails one that knows nothing of secret()", async () => {
    const found = await failed(({ capture }) => tracer(capture ? guessed : names));
    expect(found.length).toBeGreaterThan(0);
    for (const name of found) expect(name).toMatch(/no secrets of .*the wrapped got out/s);
  });

  it("fails one that tells nothing", async () => {
    const found = await failed(() => tracer(() => ""));
    expect(found.filter((name) => name.startsWith("a tracer tells"))).toHaveLength(13);
  });

  it("fails one that changes a tool's result", async () => {
    const wrapTool: Plugin["wrapTool"] = (tool) =>
      tool.execute ? { ...tool, execute: () => Promise.resolve("changed") } : tool;
    const found = await failed(({ capture }) => tracer(capture ? sanitized : names, { wrapTool }));
    expect(found.map((name) => name.replace(/ \(.*/s, ""))).toContain(
      "a tracer changes nothing: of tools, one of which fails",
    );
  });
});

const asJson = (event: RunEvent, clean: (text: string) => string): string =>
  JSON.stringify(event, (_, value: unknown) => {
    const plain = value instanceof Error ? value.message : value;
    return typeof plain === "string" ? clean(plain) : plain;
  });
/** An event without the secrets of the scenarios. */
const scrubber = new Scrubber();
const sanitized = (event: RunEvent): string => asJson(event, (text) => scrubber.text(text));
/** As `sanitized`, by patterns alone. */
const guessed = (event: RunEvent): string =>
  asJson(event, (text) => text.replaceAll(/sk-\w+|Canary\w+|canary-password[\w-]*/g, ""));

describe("testExporter()", () => {
  const failed = (create: () => ExporterUnderTest): Promise<string[]> =>
    failures((runner) => testExporter({ ...runner, create, faults: ["hangs"], closeWithinMs: 100 }));

  it("fails one whose queue has no bound", async () => {
    const found = await failed(() => {
      let waiting = 0;
      return {
        plugin: { name: "test", onEvent: () => void waiting++ },
        stats: () => ({ waiting, dropped: 0 }),
        maxQueue: 100,
      };
    });
    expect(found.some((name) => name.includes("100 is the most"))).toBe(true);
  });

  it("fails one that counts nothing", async () => {
    const found = await failed(() => ({
      plugin: { name: "test" },
      stats: () => ({ waiting: 0, dropped: 0 }),
      maxQueue: 100,
    }));
    expect(found).toEqual([expect.stringContaining("nothing was counted as dropped")]);
  });
});

it("spanTree() shows children under their parents", () => {
  const spans = [
    { id: "3", parentId: "2", name: "chat", attributes: { "gen_ai.usage.input_tokens": 3 } },
    { id: "2", parentId: "1", name: "agent", failed: true },
    { id: "1", parentId: "outside", name: "run" },
  ];
  expect(spanTree(spans, { attributes: ["gen_ai.usage.input_tokens"] })).toMatchInlineSnapshot(`
    [
      "run",
      "  agent (failed)",
      "    chat input_tokens=3",
    ]
  `);
});
