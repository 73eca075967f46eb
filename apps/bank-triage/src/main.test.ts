import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chatDialect, respond, startProvider } from "@batonjs/testing/model";
import { compareRouting, type RoutingReport } from "@batonjs/testing/routing";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "bank-triage-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs one of the two programs in the test's folder. */
async function start(
  program: "main" | "evaluate",
  args: readonly string[],
  { stdin = "", ...more }: { readonly stdin?: string; readonly OPENAI_BASE_URL?: string } = {},
): Promise<Finished> {
  const env = { PATH: process.env["PATH"], ...more };
  const child = spawn(process.execPath, [join(import.meta.dirname, `${program}.ts`), ...args], { env, cwd: folder });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (err += chunk));
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe("main.ts", { timeout: 30_000 }, () => {
  it("answers one message, and says what decided", async () => {
    const { code, out, err } = await start("main", ["I lost my card"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^ {2}examples: Cards 0\.\d\d \(lost card\), like "I lost my card"\n {2}Front Desk → Cards\n/);
    expect(out).toContain("Cards › I have blocked the card.");
  });

  it("takes lines of stdin as a conversation, in which a new subject goes to another specialist", async () => {
    const lines = "I was scammed\n\nmy app crashes\nwhen are you open\n";
    const { code, out } = await start("main", [], { stdin: lines });
    expect(code).toBe(0);
    expect(out).toMatch(/rules: Fraud 1\.00\n {2}Front Desk → Fraud\nFraud › I have stopped/);
    expect(out).toMatch(
      /new subject: Digital Banking[\s\S]*Front Desk → Digital Banking\nDigital Banking › Version 8\.2/,
    );
  });

  it("asks the triage model where no rung is sure, also in other scripts", async () => {
    const { code, out } = await start("main", ["いい天気ですね"]);
    expect(code).toBe(0);
    expect(out).toMatch(/no rung is sure[\s\S]*Front Desk asked local\nFront Desk › /);
  });

  it("refuses a line that is too long, goes on, and ends with 2", async () => {
    const { code, out, err } = await start("main", [], { stdin: `${"a ".repeat(50_000)}\nI lost my card\n` });
    expect(code).toBe(2);
    expect(err).toMatch(/^Cannot read a message of 100,000 characters: the most is 8,000/);
    expect(out).toContain("Cards › I have blocked the card.");
  });
});

describe("evaluate.ts", { timeout: 60_000 }, () => {
  it("measures its own messages, which are no examples, and finds the threshold it promises", async () => {
    const page = "routing.html";
    const { code, out } = await start("evaluate", ["--json", "--html", page]);
    expect(code).toBe(0);
    const report = JSON.parse(out) as RoutingReport & { readonly fitted: { readonly all: { precision: number } } };
    expect(report.failed).toBe(0);
    expect(report.fitted.all.precision).toBeGreaterThanOrEqual(0.97);
    const own = report.results.filter(({ calls }) => calls === 0);
    expect(own.length).toBeGreaterThan(FLOOR.withoutCall);
    expect(own.filter(({ right }) => right).length / own.length).toBeGreaterThan(FLOOR.precision);
    expect(report.accuracy).toBeGreaterThan(FLOOR.accuracy);
    expect(readFileSync(join(folder, page), "utf8")).toMatch(/^<!doctype html>[\s\S]*class="heat"/);
    expect(compareRouting(report, JSON.parse(out)).ok).toBe(true);
  });

  it("measures a file of the user's, with the threshold they give", async () => {
    const path = file("mine.jsonl", '{"text":"I lost my card","agent":"Cards"}\n{"text":"a joke please","agent":null}');
    const { code, out } = await start("evaluate", [path, "--threshold", "0.3"]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /2 messages of mine\.jsonl.*\nthreshold 0\.3, as given\n1 of the messages are the router's own/,
    );
  });

  it("asks the model that --model names where the router is not sure, and only then", async () => {
    const transfer = { id: "call_1", name: "transfer_to_payments", arguments: ["{}"] };
    const encoded = chatDialect.encode({ calls: [transfer], usage: { input: 500, output: 20 } });
    const provider = await startProvider((_, response) => respond(response, encoded.frames));
    const path = file("real.csv", "I lost my card,Cards\nthe plumber still waits for his 80,Payments\n");
    const given = [path, "--model", "openai/small", "--threshold", "0.8", "--json"];
    const { code, out } = await start("evaluate", given, { OPENAI_BASE_URL: provider.baseURL });
    await provider.close();
    expect(code).toBe(0);
    const report = JSON.parse(out) as RoutingReport;
    expect(report.results.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect(report).toMatchObject({
      accuracy: 1,
      calls: { total: 1 },
      usage: { inputTokens: 500, outputTokens: 20 },
      rungs: [{ by: "examples" }, { by: "model" }],
    });
    expect(provider.requests.map(({ body }) => body["model"])).toEqual(["small"]);
  });

  it("prints what its README shows", async () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    const shown = /<!-- evaluated -->\n\n```text\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    const { out } = await start("evaluate", []);
    expect(withoutTimes(out)).toBe(withoutTimes(shown));
  });

  it("ends with 1 where routing is worse than a saved baseline", async () => {
    const path = file("few.csv", "text,agent\nmy debit card is gone,Cards\nI got a phishing mail,Fraud\n");
    const { out } = await start("evaluate", [path, "--json"]);
    const saved = JSON.parse(out) as RoutingReport;
    const good = file("good.json", out);
    expect(await start("evaluate", [path, "--baseline", good])).toMatchObject({ code: 0 });
    const better = saved.results.map((result) => ({
      ...result,
      text: "a loan of a pencil",
      right: true,
      expected: "Cards",
    }));
    const worse = file("worse.json", JSON.stringify({ ...saved, results: better.slice(0, 1) }));
    const wrong = file("wrong.csv", "text,agent\na loan of a pencil,Cards\n");
    const compared = await start("evaluate", [wrong, "--baseline", worse]);
    expect(compared.code).toBe(1);
    expect(compared.out).toMatch(/Worse than the baseline on 1 messages: 0\.0 % right, was 100\.0 %/);
  });
});

describe("bad input", { timeout: 60_000 }, () => {
  const broken = "text,agent\nmy card,Crads\n,Cards\nno agent,\none, two,Cards\nfine,Cards\n";

  it.each<[string, "main" | "evaluate", () => readonly string[], RegExp]>([
    ["empty text", "main", () => [" "], /^Cannot answer an empty message/],
    ["100,000 characters", "main", () => ["a ".repeat(50_000)], /^Cannot read a message of 100,000 characters/],
    ["no such flag", "main", () => ["--modle", "x"], /^Cannot read the command line: Unknown option '--modle'; --help/],
    ["no such model", "main", () => ["-m", "gpt"], /^Cannot use "gpt" as --model/],
    ["no key", "main", () => ["-m", "openai/gpt-4o-mini", "hello"], /^Cannot ask openai\/gpt-4o-mini: set OPENAI/],
    ["no such file", "evaluate", () => ["none.csv"], /^Cannot read none\.csv: there is no such file/],
    ["a folder", "evaluate", () => ["."], /^Cannot read \.: it is a folder/],
    [
      "broken rows and unknown agents",
      "evaluate",
      () => [file("broken.csv", broken)],
      /^Cannot use 4 rows of the cases: line 2 names the unknown agent "Crads"; line 3 has no text; line 4 has no agent; line 5 has 3 fields where 2 are expected .*; known are "Cards", .* and "none"$/,
    ],
    ["no rows", "evaluate", () => [file("empty.csv", "")], /^Cannot read cases: there is no row/],
    [
      "a precision of 97",
      "evaluate",
      () => ["--precision", "97"],
      /^Cannot use 97 as --precision as it must be a number/,
    ],
    ["a threshold below 0", "evaluate", () => ["--threshold=-1"], /^Cannot use -1 as --threshold/],
    ["no baseline", "evaluate", () => ["--baseline", "x.json"], /^Cannot read x\.json: there is no such file/],
    [
      "a baseline that is none",
      "evaluate",
      () => ["--baseline", file("b.json", "{}")],
      /^Cannot compare with the baseline/,
    ],
  ])("%s is one sentence and exit code 2", async (_, program, args, wanted) => {
    const { code, err } = await start(program, args());
    expect(err.trim()).toMatch(wanted);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
  });
});

/** What the app's own messages must reach; its README says what they reach. */
const FLOOR = { withoutCall: 75, precision: 0.94, accuracy: 0.8 };

const withoutTimes = (text: string): string => text.replace(/^latency .*$/m, "").trim();
