import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const here = import.meta.dirname;
const vitest = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));

/** Tests of which each shows one thing that the setup sees; `passes` and `fails` say what must come of them. */
const TESTS = `
import { expect, it } from "vitest";
import { oracleModel, requestOf, say, scriptedModel } from ${JSON.stringify(join(here, "index.ts"))};

const ask = async (model, request = requestOf([])) => { for await (const _ of model.stream(request)); };
const lone = { type: "tool_result", id: "1", callId: "c", output: "", status: "ok" };
const ofFile = scriptedModel([say("for two tests")]);

it("passes with a script that is used up", () => ask(scriptedModel([say("x")])));
it("fails with replies left", () => { scriptedModel([say("x")]); });
it("fails for a request that was swallowed", async () => { await ask(scriptedModel([])).catch(() => {}); });
it("fails for a violation that was swallowed", async () => {
  const model = oracleModel(scriptedModel([]));
  await ask(model, requestOf([lone])).catch(() => {});
});
it("fails for a rejection that nobody handled", () => { void Promise.reject(new Error("lost")); });
it("fails for a prototype that was changed", () => { Object.prototype.polluted = 1; delete Array.prototype.at; });
it("passes with prototypes that were put back", () => { expect([({}).polluted, [1].at(0)]).toEqual([undefined, 1]); });
it("passes with a model of the file", () => ask(ofFile));
it("fails for its own reason", () => { scriptedModel([say("x")]); expect(1).toBe(2); });
`;

const CONFIG = `export default { test: { include: ["*.case.js"], setupFiles: [${JSON.stringify(join(here, "vitest.ts"))}] } };`;

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

describe("the setup for vitest", () => {
  let folder: string;
  let results: Report["testResults"][number]["assertionResults"];

  beforeAll(async () => {
    // Inside the package, so that the names of its dependencies are found.
    const base = join(here, "../.tsbuild");
    await mkdir(base, { recursive: true });
    folder = await mkdtemp(join(base, "setup-"));
    await writeFile(join(folder, "setup.case.js"), TESTS);
    await writeFile(join(folder, "vitest.config.js"), CONFIG);
    const output = join(folder, "report.json");
    const run = [vitest, "run", "--root", folder, "--reporter=json", `--outputFile=${output}`];
    await new Promise((resolve) => {
      execFile(process.execPath, run, { cwd: folder }, resolve);
    });
    const { default: report } = (await import(output, { with: { type: "json" } })) as { default: Report };
    results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  }, 30_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("fails what went wrong unseen, and nothing else", () => {
    expect(results).toHaveLength(9);
    for (const { title, status } of results) {
      expect(`${title}: ${status}`).toBe(`${title}: ${title.startsWith("passes") ? "passed" : "failed"}`);
    }
  });

  it("says what went wrong", () => {
    const messages = Object.fromEntries(
      results.map(({ title, failureMessages }) => [title, failureMessages.join("\n")]),
    );
    expect(messages["fails with replies left"]).toContain('1 reply is left after 0 requests: say("x")');
    expect(messages["fails for a request that was swallowed"]).toContain("its script has no reply left");
    expect(messages["fails for a violation that was swallowed"]).toContain("I1 pairing is broken");
    expect(messages["fails for a rejection that nobody handled"]).toContain("nobody handled it");
    expect(messages["fails for a prototype that was changed"]).toContain(
      "A test has changed Object.prototype.polluted, Array.prototype.at: all objects inherit from it",
    );
    expect(messages["fails for its own reason"]).not.toContain("reply is left");
  });
});
