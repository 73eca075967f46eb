/** The program tells what happens: to a file, to the console, to a collector. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTrace } from "@batonjs/trace-file";
import { afterAll, describe, expect, it } from "vitest";
import { start } from "./testing/program.ts";

const folder = mkdtempSync(join(tmpdir(), "support-triage-trace-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const message = "I was charged twice for my subscription last month";

/** All of `text` is lines of JSON. */
const eventsOf = (text: string): readonly { readonly type: string }[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly type: string });

describe("main.ts --trace", { timeout: 60_000 }, () => {
  it("writes each run to a file, with what the handoff passed on and held back", async () => {
    const path = join(folder, "logs", "runs.jsonl");
    const { code, out, err } = await start(["--trace", path, "--session", "maya", message]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { runs, skipped, dropped } = await readTrace(path);
    expect({ skipped, dropped }).toEqual({ skipped: 0, dropped: 0 });
    expect(runs.map(({ status, session, agents }) => [status, session, agents.map(({ name }) => name)])).toEqual([
      ["completed", "cus_1001/maya", ["Triage Agent", "Billing Agent"]],
    ]);
    const [handoff] = runs[0]?.handoffs ?? [];
    expect(handoff).toMatchObject({ from: "Triage Agent", to: "Billing Agent", before: 4, after: 3 });
    expect(handoff?.dropped.map(({ item }) => item)).toMatchObject([{ type: "message", role: "system" }]);
    // Contents are not written unless somebody asks for them.
    expect(readFileSync(path, "utf8")).not.toMatch(/charged twice|Asked twice/);
    expect(out).toMatch(/ch_1043\. Shall I refund it\?/);
  });

  it("shows runs on stderr as they happen, and leaves stdout alone", async () => {
    const { code, out, err } = await start(["--trace", "console", "--json", message]);
    expect(code).toBe(0);
    expect(eventsOf(out).at(-1)).toMatchObject({ type: "run_finished" });
    expect(err).toMatch(/Triage Agent +→ Billing Agent +transfer_to_billing \(pass\) +4 → 3 items/);
    expect(err).toMatch(/find_duplicate_charges ok/);
  });

  it("says so where the file cannot be written", async () => {
    const { code, out, err } = await start(["--trace", join(import.meta.filename, "x"), "hello"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^Cannot use --trace .*\n$/);
  });

  it("sends spans where OTEL_EXPORTER_OTLP_ENDPOINT says, before it ends", async () => {
    const bodies: string[] = [];
    const collector = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        bodies.push(`${request.url} ${body}`);
        response.end();
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const { port } = collector.address() as AddressInfo;
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    };
    const { code, out, err } = await start(["--json", "--store", `sqlite:${join(folder, "chat.db")}`, message], {
      env,
    });
    await new Promise((resolve) => collector.close(resolve));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(eventsOf(out).at(-1)).toMatchObject({ type: "run_finished" });
    const spans = bodies.flatMap((body) => [...body.matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name));
    expect(bodies[0]).toMatch(/^\/v1\/traces /);
    expect(bodies[0]).toMatch(/support-triage/);
    expect(new Set(spans)).toEqual(
      new Set([
        "@batonjs/trace-otel",
        "append session",
        "chat local",
        "execute_tool find_duplicate_charges",
        "execute_tool transfer_to_billing",
        "invoke_agent Billing Agent",
        "invoke_agent Triage Agent",
        "invoke_workflow Triage Agent",
        "read session",
      ]),
    );
  });

  it("does without a collector that is away", async () => {
    const { code, out, err } = await start(["what are your opening hours?"], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" },
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/Triage Agent/);
  });
});
