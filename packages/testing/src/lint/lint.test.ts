import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, type AnyAgent, dropToolItems, handBack, handoff, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { failureText } from "../module.ts";
import { lintAgents, lintRules, type LintOptions, lintText } from "../index.ts";
import { main } from "./cli.ts";
import { likeness } from "./words.ts";

const page = readFileSync(new URL("../../../../docs/lint.md", import.meta.url), "utf8");

/** The agents that an example of the page makes. */
function example(code: string): { readonly triage: AnyAgent; readonly options?: LintOptions } {
  const names = { Agent, tool, handoff, handBack, dropToolItems, z };
  // oxlint-disable-next-line typescript/no-implied-eval
  const made = new Function(
    ...Object.keys(names),
    `${code}; return { triage, options: typeof options === "undefined" ? {} : options };`,
  );
  return made(...Object.values(names)) as ReturnType<typeof example>;
}

describe("the page about lint", () => {
  it("has a section for each rule, and no other", () => {
    const sections = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(lintRules);
  });

  it.each(lintRules)("has a bad example that %s finds, and a good one", async (rule) => {
    const [, section = ""] = page.split(`\n## ${rule}\n`);
    const [bad = "", good = ""] = [...section.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);
    const found = async (code: string): Promise<readonly string[]> => {
      const { triage, options } = example(code);
      return (await lintAgents(triage, options)).findings.map((finding) => finding.rule);
    };
    expect(new Set(await found(bad))).toEqual(new Set([rule]));
    expect(await found(good)).toEqual([]);
  });
});

const billing = new Agent({ name: "Billing", instructions: "Bill." });
const triage = new Agent({ name: "Triage", handoffs: [billing] });

describe("lintAgents()", () => {
  it("puts errors first and says what to write", async () => {
    expect(lintText(await lintAgents(triage))).toMatchInlineSnapshot(`
      "error   Triage → Billing (transfer_to_billing) says nothing of when to take it [vague-criteria]
              give the handoff \`when: "refunds, invoices, duplicate charges"\` and some \`examples\`
      warning Billing keeps the conversation that Triage hands over, and has no way to pass it on [dead-end]
              add \`handBack()\` to its \`handoffs\`, or make the handoff to it \`mode: "turn"\`
      1 error, 1 warning"
    `);
  });

  it("turns off what has a reason", async () => {
    const off = [
      { rule: "dead-end", at: /^Bill/, reason: "ends there" },
      { rule: "vague-criteria", reason: "one specialist" },
    ] as const;
    const report = await lintAgents(triage, { off });
    expect(report.findings).toEqual([]);
    expect(report.off).toMatchObject([{ reason: "one specialist" }, { reason: "ends there", at: "Billing" }]);
    expect(lintText(report)).toBe("0 errors, 0 warnings, 2 turned off");
    await expect(lintAgents(triage, { off: [{ rule: "dead-end", reason: " " }] })).rejects.toThrow("without a reason");
    await expect(lintAgents(triage, { off: [{ rule: "x" as never, reason: "x" }] })).rejects.toThrow("no rule");
  });

  it("asks a classifier for the examples that it has not learned", async () => {
    const sure = { instructions: "x", handoffs: [handBack()] };
    const entry = new Agent({
      name: "Triage",
      handoffs: [
        handoff(new Agent({ name: "A", ...sure }), {
          when: "invoices, bills",
          examples: ["one", "two", "three", "four"],
        }),
        handoff(new Agent({ name: "B", ...sure }), {
          when: "crashes, errors",
          examples: ["five", "six", "seven", "eight"],
        }),
      ],
    });
    const always = (label: string) => ({ fit: () => ({ predict: () => [{ label, score: 0.9 }] }) });
    const { findings } = await lintAgents(entry, { classifier: always("transfer_to_a"), off: [] });
    expect(findings.map(({ rule }) => rule)).toContain("overlapping-criteria");
    expect(findings.find(({ rule }) => rule === "overlapping-criteria")?.message).toContain('"five"');
    const none = { fit: () => ({ predict: () => [] }) };
    const calm = await lintAgents(entry, { classifier: none });
    expect(calm.findings.map(({ rule }) => rule)).not.toContain("overlapping-criteria");
  });

  it("follows private data through agents that are tools, and stops at filters", async () => {
    const made = (name: string) => tool({ name, description: name, sideEffects: "none", execute: () => "" });
    const reader = new Agent({ name: "Reader", tools: [made("inbox")] });
    const labels = { orders: ["private"], inbox: ["untrusted"], "Writer/post": ["out"] } as const;
    const graph = (inputFilter: readonly [typeof dropToolItems] | readonly []) => {
      const writer = new Agent({ name: "Writer", tools: [made("post")], handoffs: [handBack()] });
      const tools = [made("orders"), reader.asTool()];
      return new Agent({ name: "Triage", tools, handoffs: [handoff(writer, { when: "letters, mails", inputFilter })] });
    };
    const { findings } = await lintAgents(graph([]), { labels });
    expect(findings.find(({ rule }) => rule === "private-data-way-out")).toMatchObject({
      at: "Writer/post",
      message:
        "can send out private data (Triage/orders → Writer) at the wish of text that others wrote (Reader/inbox → Triage → Writer)",
    });
    expect((await lintAgents(graph([dropToolItems]), { labels })).findings).toEqual([]);
  });
});

describe("likeness()", () => {
  it("compares the words that say something", () => {
    expect(likeness("refunds and invoices", "a refund, an invoice")).toBeCloseTo(1);
    expect(likeness("refunds", "crashes")).toBe(0);
    expect(likeness("", "the")).toBe(0);
  });
});

describe("baton-lint", () => {
  const lint = async (code: string, ...args: readonly string[]) => {
    const directory = await mkdtemp(join(import.meta.dirname, "case-"));
    const lines: string[] = [];
    try {
      await writeFile(
        join(directory, "agents.js"),
        `import { Agent, handoff, handBack } from "@batonjs/core";\n${code}`,
      );
      await writeFile(join(directory, "coverage.json"), '{ "edges": [] }');
      const given = args.map((each) => (each === "coverage.json" ? join(directory, each) : each));
      const write = (line: string): void => void lines.push(line);
      const exit = await main([join(directory, "agents.js"), ...given], { write, error: write });
      return { exit, text: lines.join("\n") };
    } finally {
      await rm(directory, { recursive: true });
    }
  };
  const good = `
    const billing = new Agent({ name: "Billing", instructions: "Bill.", handoffs: [handBack()] });
    export const triage = new Agent({ name: "Triage", handoffs: [handoff(billing, { when: "refunds, invoices" })] });`;

  it("exits with 0, 1 and 2", async () => {
    expect(await lint(good)).toEqual({ exit: 0, text: "0 errors, 0 warnings" });
    expect(await lint("export default new Agent({ name: 'A', handoffs: [new Agent({ name: 'B' })] });")).toMatchObject({
      exit: 1,
      text: expect.stringContaining("[empty-specialist]"),
    });
    expect(await lint("export const x = 1; export const makeDesk = (model) => x;")).toMatchObject({
      exit: 2,
      text: expect.stringMatching(/say which by --agent; it exports the agents \(none\) and the functions makeDesk$/),
    });
    expect(await lint(good, "--agent", "nobody")).toMatchObject({ exit: 2 });
    for (const count of ["x", " "]) expect(await lint(good, "--max-warnings", count)).toMatchObject({ exit: 2 });
    expect(await lint(good, "--what")).toMatchObject({ exit: 2, text: expect.stringContaining("Usage:") });
    expect(await lint(good, "--help")).toMatchObject({ exit: 0, text: expect.stringContaining("Usage:") });
  });

  it("says which Node it takes where a module in TypeScript cannot be read", () => {
    const code = "ERR_UNKNOWN_FILE_EXTENSION";
    const error = Object.assign(new TypeError('Unknown file extension ".ts" for /agents.ts'), { code });
    expect(failureText(error, "Usage")).toBe(
      'Unknown file extension ".ts" for /agents.ts: Node reads TypeScript from 22.18 on; take a newer one, or name a module in JavaScript',
    );
  });

  it("reads coverage, options of the module, and rules to turn off; writes JSON", async () => {
    const covered = await lint(good, "--coverage", "coverage.json", "--max-warnings", "1", "--json");
    expect(covered.exit).toBe(1);
    expect(JSON.parse(covered.text)).toMatchObject({
      findings: [{ rule: "untested-edge" }, { rule: "untested-edge" }],
    });
    expect(
      await lint(good, "--coverage", "coverage.json", "--max-warnings", "1", "--off", "untested-edge=later"),
    ).toEqual({
      exit: 0,
      text: "0 errors, 0 warnings, 2 turned off",
    });
    const own = `${good}\nexport const create = () => triage;\nexport const lint = { off: [{ rule: "dead-end", reason: "x" }] };`;
    expect(await lint(own, "--agent", "create")).toMatchObject({
      exit: 0,
      text: expect.stringContaining("[unused-off]"),
    });
  });
});
