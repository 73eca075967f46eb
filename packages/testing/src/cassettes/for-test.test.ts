import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cassettePath, openCassette, unusedCassettes } from "./index.ts";
import { CassetteReporter } from "./reporter.ts";

describe("cassettePath()", () => {
  it("is beside the test file, by the test's name", () => {
    const path = (name: string): string => cassettePath("/repo/src/refund.test.ts", name).replaceAll("\\", "/");
    expect(path("refunds > charged twice!")).toBe("/repo/src/__cassettes__/refund.test.ts/refunds-charged-twice.json");
    expect(path("../Überweisung 日本")).toBe("/repo/src/__cassettes__/refund.test.ts/überweisung-日本.json");
    expect(path("a".repeat(300))).toHaveLength("/repo/src/__cassettes__/refund.test.ts/.json".length + 80);
    expect(() => path("!?")).toThrow(new TypeError('Cannot name a cassette after "!?": it has no letter'));
  });
});

/** Runs vitest in a folder of its own, as a user does. */
describe("cassettes in vitest", { timeout: 120_000 }, () => {
  const here = import.meta.dirname;
  const quoted = (file: string): string => JSON.stringify(join(here, file));
  let folder = "";

  beforeAll(async () => {
    const base = join(here, "../../.tsbuild");
    await mkdir(base, { recursive: true });
    folder = await mkdtemp(join(base, "cassettes-"));
    await writeFile(
      join(folder, "vitest.config.js"),
      `import { CassetteReporter } from ${quoted("reporter.ts")};
      const cassettes = new CassetteReporter({ fail: true, folders: ["elsewhere"] });
      export default {
        test: { include: ["*.case.js"], setupFiles: [${quoted("../vitest.ts")}], reporters: ["default", cassettes] },
      };`,
    );
    await writeFile(
      join(folder, "desk.case.js"),
      `import { Agent, run } from "@batonjs/core";
      import { expect, it } from "vitest";
      import { say, scriptedModel } from ${quoted("../index.ts")};
      import { cassetteFor } from ${quoted("index.ts")};
      for (const name of ["says hello", "says goodbye"]) {
        it(name, async (test) => {
          const { model } = await cassetteFor(test, {
            record: () => scriptedModel(() => say(name)),
            match: { ignore: ["instructions"] },
          });
          const asks = process.env.ASKS !== "nothing";
          if (asks) await run(new Agent({ name: "Desk", instructions: process.env.WORDS ?? "Help.", model }), "hi");
          expect(process.env.FAILS).toBe(undefined);
        });
      }`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const vitest = (env: Readonly<Record<string, string>>): Promise<{ text: string; code: unknown }> => {
    const bin = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));
    const options = { cwd: folder, env: { ...process.env, CI: "", BATON_CASSETTES: "", NO_COLOR: "1", ...env } };
    return new Promise((resolve) => {
      execFile(process.execPath, [bin, "run", "--root", folder], options, (error, out, err) =>
        resolve({ text: out + err, code: error?.code ?? 0 }),
      );
    });
  };
  const cassettes = (): string => join(folder, "__cassettes__/desk.case.js");

  it("are one file per test, recorded by the flag and closed by themselves; what is unused is named", async () => {
    const failed = await vitest({ BATON_CASSETTES: "record", FAILS: "yes" });
    expect(failed.code).toBe(1);
    expect(existsSync(cassettes())).toBe(false);

    expect(await vitest({ BATON_CASSETTES: "record" })).toMatchObject({ code: 0 });
    expect((await readdir(cassettes())).toSorted()).toEqual(["says-goodbye.json", "says-hello.json"]);
    expect(await vitest({})).toMatchObject({ code: 0 });

    const changed = await vitest({ WORDS: "Help well." });
    expect(changed.code).toBe(0);
    expect(changed.text).toMatch(
      /Cassettes that differ from what is asked now\n.*says-hello.json: recording 1, agent "Desk": instructions was "Help.", is now "Help well."\n/,
    );

    const idle = await vitest({ ASKS: "nothing" });
    expect(idle.code).toBe(1);
    expect(idle.text).toContain('with 1 recording that no request has taken: 1 (agent "Desk")');

    for (const place of ["__cassettes__/desk.case.js", "__cassettes__/gone.case.js", "elsewhere"]) {
      await mkdir(join(folder, place), { recursive: true });
      await writeFile(join(folder, place, "old.json"), await readFile(join(cassettes(), "says-hello.json"), "utf8"));
    }
    const left = await vitest({});
    expect(left.code).toBe(1);
    const [, list = ""] = left.text.split("Cassettes that no test has opened\n");
    expect(list.replaceAll("\\", "/").match(/\S*old\.json|says-\S*/g)).toEqual([
      expect.stringContaining("__cassettes__/desk.case.js/old.json"),
      expect.stringContaining("__cassettes__/gone.case.js/old.json"),
      expect.stringContaining("elsewhere/old.json"),
    ]);
  });

  it("are not called unused when a test was skipped that may need them", async () => {
    const text: string[] = [];
    const reporter = new CassetteReporter({ write: (line) => text.push(line), folders: [cassettes()] });
    const report = (...states: readonly string[]): string => {
      text.length = 0;
      reporter.onTestRunEnd([
        {
          moduleId: join(folder, "desk.case.js"),
          children: { allTests: () => states.map((state) => ({ result: () => ({ state }) })) },
          meta: () => ({ batonCassettes: [{ path: join(cassettes(), "says-hello.json"), stale: [] }] }),
        },
      ]);
      return text.join("\n");
    };
    await rm(join(folder, "__cassettes__/gone.case.js"), { recursive: true });
    expect(report("passed", "skipped")).toBe("");
    expect(report("passed", "failed")).toBe("");
    expect(report("passed", "passed")).toBe(
      `\nCassettes that no test has opened\n  ${join(cassettes(), "old.json")}\n  ${join(cassettes(), "says-goodbye.json")}`,
    );
  });

  it("of a process that were not opened are listed for other test runners", async () => {
    await openCassette(join(cassettes(), "old.json"), { mode: "replay" });
    expect(unusedCassettes(cassettes())).toEqual(
      ["says-goodbye.json", "says-hello.json"].map((name) => join(cassettes(), name)),
    );
    expect(unusedCassettes(join(folder, "nowhere"))).toEqual([]);
  });
});
