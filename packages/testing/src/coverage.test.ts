import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Agent, Runner, dropToolItems, handBack, handoff, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { CoverageReporter } from "./coverage-reporter.ts";
import {
  assertCoverage,
  call,
  coverageText,
  graphCoverage,
  handOff,
  lintAgents,
  mergeCoverage,
  scriptedModel,
  smokeTest,
} from "./index.ts";

const allow = { check: () => true };
const lookup = tool({
  name: "lookup",
  description: "Looks up.",
  sideEffects: "none",
  outputGuardrails: [{ name: "clean", ...allow }],
  execute: () => "x",
});
const refund = tool({ name: "refund", description: "Pays.", needsApproval: true, execute: () => "x" });
const billing = new Agent({
  name: "Billing",
  tools: [lookup, refund],
  inputGuardrails: [{ name: "calm", ...allow }],
  handoffs: [handBack()],
});
const expert = new Agent({ name: "Expert", instructions: "Know." });
const triage = new Agent({
  name: "Triage",
  handoffs: [
    handoff(billing, { inputFilter: dropToolItems, when: "refunds, invoices" }),
    handoff(expert, { mode: "return", when: "hard questions, law" }),
  ],
});

const once = async (): Promise<ReturnType<typeof graphCoverage>> => {
  const coverage = graphCoverage(triage);
  const model = scriptedModel({ Triage: [handOff("billing")], Billing: [call("lookup"), call("refund")] });
  await new Runner({ plugins: [coverage], model }).run(triage, "hi");
  return coverage;
};

describe("graphCoverage()", () => {
  it("shows what ran and what is cold", async () => {
    const report = (await once()).report();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(coverageText(report)).toMatchInlineSnapshot(`
      "agents        2 of 3   66 %  cold: Expert
      tools         1 of 2   50 %  cold: Billing/refund
      edges         1 of 3   33 %  cold: Triage → Expert (transfer_to_expert), Billing → Triage (transfer_back)
      filters       1 of 1  100 %
      guardrails    2 of 2  100 %
      approvals     1 of 1  100 %

      ● Triage
      ├─→ Billing  transfer_to_billing; filter: dropToolItems
      └─→ Expert  transfer_to_expert; return (cold)
      ○ Billing
      │ lookup, refund*
      └╌→ Triage  transfer_back (cold)
      ○ Expert (cold)"
    `);
    expect(report.edges[0]).toEqual({
      name: "Triage → Billing (transfer_to_billing)",
      from: "Triage",
      to: "Billing",
      toolName: "transfer_to_billing",
      count: 1,
    });
  });

  it("holds tests to thresholds", async () => {
    const report = (await once()).report();
    assertCoverage(report, { agents: 66, tools: 50, approvals: 100 });
    expect(() => assertCoverage(report, { agents: 67, edges: 100 })).toThrow(
      "66 % of agents ran, 67 % are wanted; cold are Expert\n33 % of edges ran, 100 % are wanted",
    );
  });

  it("adds up reports, and tells the linter", async () => {
    const coverage = graphCoverage(triage);
    await smokeTest(triage, { plugins: [coverage] });
    expect(coverage.report().edges.map((edge) => edge.count)).toEqual([2, 1, 1]);
    const sum = mergeCoverage([(await once()).report(), coverage.report()]);
    expect(sum.edges.map((edge) => edge.count)).toEqual([3, 1, 1]);
    expect(sum.agents.every((agent) => agent.count > 0)).toBe(true);
    expect(sum.graph?.nodes).toHaveLength(3);
    const cold = await lintAgents(triage, { coverage: (await once()).report() });
    expect(cold.findings.map(({ rule, at }) => `${rule} ${at}`)).toEqual([
      "untested-edge Triage → Expert (transfer_to_expert)",
      "untested-edge Billing → Triage (transfer_back)",
    ]);
  });
});

describe("CoverageReporter", () => {
  it("adds up all test files, writes JSON, and fails below the thresholds", { timeout: 30_000 }, async () => {
    const here = import.meta.dirname;
    const base = join(here, "../.tsbuild");
    await mkdir(base, { recursive: true });
    const folder = await mkdtemp(join(base, "coverage-"));
    const quoted = (file: string): string => JSON.stringify(join(here, file));
    const test = (word: string): string => `
      import { Agent, Runner } from "@batonjs/core";
      import { it } from "vitest";
      import { graphCoverage, handOff, say, scriptedModel } from ${quoted("index.ts")};
      const specialists = ["Billing", "Technical", "Account"].map((name) => new Agent({ name }));
      const triage = new Agent({ name: "Triage", handoffs: specialists });
      it("runs", async () => {
        const model = scriptedModel([handOff(${JSON.stringify(word)}), say("Done.")]);
        await new Runner({ plugins: [graphCoverage(triage)], model }).run(triage, "hi");
      });`;
    try {
      await writeFile(join(folder, "a.case.js"), test("billing"));
      await writeFile(join(folder, "b.case.js"), test("technical"));
      await writeFile(
        join(folder, "vitest.config.js"),
        `import { CoverageReporter } from ${quoted("coverage-reporter.ts")};
        const coverage = new CoverageReporter({ file: "out/agents.json", thresholds: { edges: 100 } });
        export default { test: { include: ["*.case.js"], setupFiles: [${quoted("vitest.ts")}], reporters: [coverage] } };`,
      );
      const vitest = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));
      const { text, code } = await new Promise<{ text: string; code: unknown }>((resolve) => {
        execFile(process.execPath, [vitest, "run", "--root", folder], { cwd: folder }, (error, out, err) =>
          resolve({ text: out + err, code: error?.code ?? 0 }),
        );
      });
      expect(text).toContain("edges         2 of 3   66 %  cold: Triage → Account (transfer_to_account)");
      expect(text).toContain("FAILED 66 % of edges ran, 100 % are wanted");
      expect(code).toBe(1);
      const written = JSON.parse(await readFile(join(folder, "out/agents.json"), "utf8")) as object;
      expect(written).toMatchObject({
        agents: [{ name: "Triage", count: 2 }, { count: 1 }, { count: 1 }, { count: 0 }],
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("says what is missing where nothing was counted, and fails where a share is wanted", () => {
    const before = process.exitCode;
    const said: string[] = [];
    const write = (text: string): void => void said.push(text);
    const modules = [{ meta: () => ({}) }];
    try {
      new CoverageReporter({ write }).onTestRunEnd(modules);
      expect(process.exitCode).toBe(before);
      new CoverageReporter({ write, thresholds: { edges: 100 } }).onTestRunEnd(modules);
      expect(process.exitCode).toBe(1);
    } finally {
      process.exitCode = before;
    }
    const wanted =
      'was counted for the coverage of the agents: the plugins of a runner need graphCoverage(triage), the setupFiles of vitest "@batonjs/testing/vitest"';
    expect(said).toEqual([`\nNothing ${wanted}`, `\nFAILED nothing ${wanted}`]);
  });
});
