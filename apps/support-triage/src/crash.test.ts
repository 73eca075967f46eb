/** The program is killed in the middle of a refund, and started again. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { all, openDatabase } from "./database.ts";
import { readOptions } from "./options.ts";
import { start, startAndKill } from "./testing/program.ts";

const folder = mkdtempSync(join(tmpdir(), "support-triage-crash-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
let db = "";
let flags: readonly string[] = [];
beforeEach(() => {
  const name = join(folder, String(++count));
  db = `${name}-desk.db`;
  flags = ["--session", "maya", "--store", `sqlite:${name}-chat.db`, "--db", db];
});

const refunds = (): number => all(openDatabase(db), "SELECT 1 FROM refunds WHERE charge_id = 'ch_1043'").length;
const refund = (): readonly string[] => [...flags, "--approve", "all", "--bank-seconds", "3", "please refund ch_1043"];

/** Of lines of JSON: the first with `"type":"<type>"` and the text. */
const has = (type: string, text: string) => (line: string) => line.includes(`"type":"${type}"`) && line.includes(text);

describe("a refund that is interrupted", { timeout: 60_000 }, () => {
  it.each([
    ["the bank is asked", has("tool_progress", "the bank is asked"), 0],
    ["the money has moved and nothing says so", has("tool_progress", "has yet to confirm"), 1],
  ])("happens once where the program is killed when %s", async (_, isMoment, moved) => {
    const { code, lines } = await startAndKill(["--json", ...refund()], isMoment, "SIGKILL");
    expect(code).toBeNull();
    expect(lines.some(isMoment)).toBe(true);
    expect(refunds()).toBe(moved);

    const next = await start(flags);
    expect({ code: next.code, err: next.err }).toEqual({ code: 0, err: "" });
    expect(next.out).toMatch(/Taking up what was left undone\.\n\nBilling Agent\n[\s\S]*Done: \$29\.00 .* re_2\./);
    expect(refunds()).toBe(1);

    // The conversation goes on with what has happened, and nothing is left to take up.
    const after = await start([...flags, "--approve", "all", "please refund ch_1043"]);
    expect(after.out).not.toMatch(/left undone/);
    expect(after.out).toMatch(/Billing Agent\n[\s\S]*ch_1043 was refunded before \(re_2\)/);
    expect(refunds()).toBe(1);
  });

  it("is made after all where the program is killed after the handoff", async () => {
    await startAndKill(["--json", ...refund()], has("handoff", "Billing Agent"), "SIGKILL");
    const next = await start([...flags, "--approve", "all"]);
    expect(next.out).toMatch(/Taking up what was left undone\.[\s\S]*Done: \$29\.00/);
    expect(refunds()).toBe(1);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "is not made where the program is told to end by %s before the bank has the order",
    async (signal, wanted) => {
      const { code, lines } = await startAndKill(refund(), (line) => line.includes("the bank is asked"), signal);
      expect({ code, last: lines.at(-1) }).toEqual({ code: wanted, last: "Stopped." });
      const next = await start(flags);
      expect(next.out).toMatch(/it was stopped before the bank had the order, and nothing was refunded/);
      expect(refunds()).toBe(0);
    },
  );

  it("is stopped by Ctrl-C, and the program goes on to its end", async () => {
    const { code, lines } = await startAndKill(refund(), (line) => line.includes("the bank is asked"), "SIGINT");
    expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: "Stopped." });
  });

  it("is not shown to another customer who names the same session", async () => {
    await start([...flags, "please refund ch_1043"]);
    const other = await start([...flags, "--customer", "cus_1002", "hello"]);
    expect(other.out).toMatch(/\nTriage Agent\n│ Hello!/);
  });
});

it("the README shows how, with flags that exist", () => {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const [, shown = ""] = /pnpm start (--session maya .*) "please refund ch_1043"/.exec(readme) ?? [];
  expect(readOptions(shown.split(" "))).toMatchObject({ session: "maya", approve: "all", bankMs: 20_000 });
});
