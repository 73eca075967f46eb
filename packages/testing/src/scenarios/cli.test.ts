import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "./cli.ts";
import type { ScenarioReport } from "./index.ts";

const MODULE = `
import { Agent, tool } from "@batonjs/core";
import { functionModel } from "@batonjs/testing";

let asked = 0;
const model = functionModel(() => (++asked % 3 === 0 ? "Go away" : "Hello!"));
export const triage = new Agent({ name: "Triage", model: "house/model" });
export const other = () => new Agent({ name: "Other", model });
export const scenarios = { plugins: [{ name: "house", model: (name) => (name.startsWith("house/") ? model : undefined) }] };
`;

describe("baton-scenarios", { timeout: 60_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    // Inside of the package, where the module finds the packages that it imports.
    folder = await mkdtemp(join(import.meta.dirname, "case-"));
    await writeFile(join(folder, "agents.ts"), MODULE);
    await writeFile(join(folder, "none.ts"), "export const x = 1;");
    await writeFile(
      join(folder, "modelless.ts"),
      'import { Agent } from "@batonjs/core";\nexport default new Agent({ name: "Triage" });',
    );
    await writeFile(
      join(folder, "good.yaml"),
      "- name: greets\n  turns: [{ user: hi, expect: { answer: Hello } }]\n- name: stays\n  turns: [{ user: hi, expect: { answer: o } }]",
    );
    await writeFile(
      join(folder, "named.yaml"),
      "name: greets politely\nturns: [{ user: hi, expect: { agent: Triage } }]",
    );
    await writeFile(join(folder, "bad.yaml"), "- name: x\n  turns:\n    - user: hi\n      expect: { agent: Traige }");
  });
  afterAll(() => rm(folder, { recursive: true }));

  const program = async (...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> => {
    const bin = join(import.meta.dirname, "../scenarios-bin.ts");
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, out, err };
  };

  it("plays files and exits with 0", async () => {
    const { code, out, err } = await program("agents.ts", "good.yaml", "named.yaml", "--filter", "greets");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(
      /^ok {6}1\/1 100 % {2}greets {11}1 call, 15 tokens\nok .*greets politely.*\n\n2 of 2 scenarios passed; 2 of 2 runs passed\n$/,
    );
  });

  it("exits with 1 where a scenario passes too seldom, and writes JSON and JUnit", async () => {
    const args = [
      "agents.ts",
      "good.yaml",
      "--filter",
      "greets",
      "--repeat",
      "3",
      "--json",
      "r.json",
      "--junit",
      "r.xml",
    ];
    const { code, out } = await program(...args);
    expect(code).toBe(1);
    expect(out).toContain("run 3: turn 1: Expected the run to answer with");
    const report = JSON.parse(await readFile(join(folder, "r.json"), "utf8")) as ScenarioReport;
    expect(report).toMatchObject({
      ok: false,
      scenarios: [{ name: "greets", passes: 2, count: 3, file: "good.yaml" }],
    });
    expect(await readFile(join(folder, "r.xml"), "utf8")).toMatch(
      /<failure message="2 of 3 runs passed, at least 1 wanted/,
    );
    expect(await program(...args, "--min-pass-rate", "0.6")).toMatchObject({ code: 0 });
  });

  it("takes an agent by the name of its export, and a model for all", async () => {
    const given = ["agents.ts", "good.yaml", "--agent", "other", "--filter", "greets"];
    expect(await program(...given)).toMatchObject({ code: 0 });
    const unknown = await program(...given, "--model", "nobody/knows");
    expect(unknown).toMatchObject({ code: 1, out: expect.stringContaining("nobody/knows") });
  });

  it.each<[string, readonly string[], RegExp]>([
    ["nothing", [], /^Cannot play nothing: name a module, and files with scenarios$/],
    ["no file", ["agents.ts"], /^Cannot play nothing/],
    [
      "an unknown flag",
      ["agents.ts", "good.yaml", "--repaet", "3"],
      /^Unknown option '--repaet'[\s\S]*Usage: baton-scenarios/,
    ],
    ["no agent", ["none.ts", "good.yaml"], /^Cannot find the agent to begin with in none\.ts/],
    [
      "a wrong file",
      ["agents.ts", "bad.yaml", "none.yaml"],
      /^Cannot use the scenarios: 2 problems\n {2}bad\.yaml:4: .* did you mean "Triage"\? known are "Triage"\n {2}none\.yaml: it cannot be read/,
    ],
    [
      "a filter that finds nothing",
      ["agents.ts", "good.yaml", "--filter", "zzz"],
      /^Cannot find a scenario with "zzz" in its name: known are "greets", "stays"$/,
    ],
    [
      "a number that is none",
      ["agents.ts", "good.yaml", "--repeat", "often"],
      /^Cannot use "often" as --repeat: expected a number$/,
    ],
    [
      "an agent without a model",
      ["modelless.ts", "good.yaml"],
      /^Cannot play the scenarios: agent "Triage" has no model; name one with --model, or write in modelless\.ts: export const scenarios = \{ model \}$/,
    ],
    [
      "a model that no plugin provides",
      ["modelless.ts", "good.yaml", "--model", "local/triage"],
      /^Cannot play the scenarios: no plugin provides the model "local\/triage" of agent "Triage"; write in modelless\.ts: export const scenarios = \{ plugins: \[\.\.\.\] \}$/,
    ],
    [
      "0 runs",
      ["agents.ts", "good.yaml", "--repeat", "0"],
      /^Cannot use 0 as repeat as it must be a positive integer$/,
    ],
  ])("exits with 2 for %s", async (_, args, message) => {
    const errors: string[] = [];
    const inFolder = args.map((each) => (/\.(ts|yaml)$/.test(each) ? join(folder, each) : each));
    expect(await main(inFolder, { write: () => {}, error: (line) => void errors.push(line) })).toBe(2);
    expect(errors.join("\n").replaceAll(`${folder}/`, "")).toMatch(message);
  });

  it("tells its options, and exits with 2 where it is called in a wrong way", async () => {
    expect(await program("--help")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Usage: baton-scenarios MODULE FILE/),
    });
    expect(await program("agents.ts")).toMatchObject({ code: 2, err: expect.stringMatching(/^Cannot play nothing/) });
  });
});
