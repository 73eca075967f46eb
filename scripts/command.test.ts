import { describe, expect, it } from "vitest";
import { closingLine, command, countJunit, total } from "./command.ts";

describe("countJunit()", () => {
  it("reads what node writes", () => {
    const xml = `<testsuites>
      <testcase name="one" time="0.1" classname="test"/>
      <testsuite name="nested" tests="2"><testcase name="two" classname="test"/>
      <testcase name="three" classname="test"><skipped type="skipped" message="not here"/></testcase>
      <testcase name="four" classname="test"><failure type="x" message="1 !== 2">stack</failure></testcase></testsuite>
    </testsuites>`;
    expect(countJunit(xml)).toEqual({ passed: 2, failed: 1, skipped: 1 });
  });

  it("counts the tests of a suite that deno lists as a test, not the suite", () => {
    const xml = `<testsuites><testsuite name="a.test.ts"><testcase name="one" classname="a"></testcase>
      <testcase name="nested" classname="a"><failure message="1 failed step"></failure></testcase></testsuite>
      <testsuite name="steps"><testcase name="nested &gt; two"></testcase>
      <testcase name="nested &gt; three"><failure message="1 !== 2">stack</failure></testcase></testsuite></testsuites>`;
    expect(countJunit(xml)).toEqual({ passed: 2, failed: 1, skipped: 0 });
  });

  it("reads what bun writes", () => {
    const xml = `<testsuites><testcase name="one" line="5" assertions="0" /><testcase name="two"><skipped /></testcase></testsuites>`;
    expect(countJunit(xml)).toEqual({ passed: 1, failed: 0, skipped: 1 });
  });

  it("counts nothing in an empty report", () => {
    expect(countJunit("")).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

describe("closingLine()", () => {
  it("leaves out skipped tests when there are none", () => {
    const one = { passed: 2, failed: 0, skipped: 0 };
    expect(closingLine(one)).toBe("2 passed, 0 failed");
    expect(closingLine(total([one, { passed: 1, failed: 1, skipped: 3 }]))).toBe("3 passed, 1 failed, 3 skipped");
  });
});

describe("command()", () => {
  it("tells failure and keeps both streams", async () => {
    const script = "console.log('out'); console.error('err'); process.exit(3)";
    const { ok, output } = await command("node", ["-e", script]);
    expect({ ok, lines: output.trim().split("\n").toSorted() }).toEqual({ ok: false, lines: ["err", "out"] });
  });

  it("fails when there is no such command", async () => {
    expect(await command("no-such-command", [])).toMatchObject({ ok: false });
  });
});
