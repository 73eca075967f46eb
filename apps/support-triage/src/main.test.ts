import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { one, openDatabase } from "./database.ts";
import { start } from "./testing/program.ts";

const folder = mkdtempSync(join(tmpdir(), "support-triage-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("main.ts", { timeout: 30_000 }, () => {
  it("answers one message and exits", async () => {
    const { code, out, err } = await start(["I was charged twice for my subscription last month"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/→ Billing Agent\n│ {3}issueType duplicate_charge, urgency medium\n/);
    expect(out).toMatch(/ch_1043\. Shall I refund it\?\n {2}3 model replies · [\d,]+ tokens in/);
  });

  it("takes lines of stdin as a conversation, and approves nothing by itself", async () => {
    const { code, out } = await start([], { stdin: { text: "please refund ch_1043\r\n\n  \nthanks" } });
    expect(code).toBe(0);
    expect(out).toMatch(
      /✗ rejected \(nobody is here to approve; --approve all or ask changes that: nobody is here to approve it\)/,
    );
    expect(out).toMatch(/you › thanks[\s\S]*You're welcome/);
  });

  it("asks on stdin with --approve ask, and keeps what was done with --db", async () => {
    const path = join(folder, "desk.db");
    const { out } = await start(["--approve", "ask", "--db", path], { stdin: { text: "please refund ch_1043\ny\n" } });
    expect(out).toMatch(/✓ approved\n/);
    const db = openDatabase(path);
    expect(one(db, "SELECT charge_id FROM refunds WHERE number = 2")).toEqual({ charge_id: "ch_1043" });
    db.close();
    const again = await start(["--approve", "all", "--db", path, "please refund ch_1043"]);
    expect(again.out).toMatch(/ch_1043 was refunded before \(re_2\)/);
  });

  it("plays what its README shows where nobody says anything, also over a pipe that is never closed", async () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    const transcript = /<!-- played -->\n\n```text\n([\s\S]*?)```/.exec(readme)?.[1];
    const { code, out } = await start([], { stdin: "open" });
    expect(withoutUsage(out)).toBe(withoutUsage(transcript ?? ""));
    expect(code).toBe(0);
  });

  it("prints events as lines of JSON", async () => {
    const { code, out, err } = await start(["--json", "what are your opening hours?"]);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly type: string; readonly seq: number });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["run_started", "tool_finished", "text_delta", "run_finished"]),
    );
  });

  it("answers 100,000 characters, and goes on", async () => {
    const { code, out } = await start([], { stdin: { text: `${"a ".repeat(50_000)}\nhello\n` } });
    expect(code).toBe(0);
    expect(out).toMatch(/100,000 characters long, and I read at most 8,000[\s\S]*Hello! I can help with/);
  });

  it.each([
    [["--model", "openai/gpt-4o-mini", "hello"], /^Cannot ask openai\/gpt-4o-mini: set OPENAI_API_KEY/],
    [["--db", import.meta.filename, "hello"], /^Cannot use ".*" as the database: file is not a database/],
  ])("says in one sentence what is wrong with %j, and exits with 2", async (args, wanted) => {
    const { code, out, err } = await start(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(wanted);
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});

/** What is counted changes with the wording of a model, and time with the machine. */
const withoutUsage = (text: string): string => text.replace(/ {2}\d+ model repl.*/g, "").trim();
