import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, handoff, ModelError, Runner, type RunResult, tool } from "@batonjs/core";
import { transcript } from "@batonjs/testing";
import { openCassette } from "@batonjs/testing/cassettes";
import { chatDialect, respond, responsesDialect, startProvider, type WireReply } from "@batonjs/testing/model";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { openai } from "./index.ts";

const KEY = "sk-loopback-0123456789";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-cassette-"));
  vi.stubEnv("CI", "");
  vi.stubEnv("BATON_CASSETTES", "");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

/** Triage hands over; billing looks up two charges at once, and answers. */
function desk(): Agent<unknown, string, string> {
  const lookup = tool({
    name: "lookup",
    parameters: z.object({ id: z.string() }),
    sideEffects: "none",
    execute: ({ id }) => `29 EUR for ${id}`,
  });
  const billing = new Agent({ name: "Billing", instructions: "You refund.", model: "openai/gpt-4o", tools: [lookup] });
  return new Agent({
    name: "Triage",
    instructions: "Route.",
    model: "openai/gpt-4o-mini",
    handoffs: [handoff(billing, { toolName: "transfer_to_billing", when: "refunds" })],
  });
}

const replies = (run: string): readonly WireReply[] => [
  { id: `resp_${run}_1`, calls: [{ id: `call_${run}_a`, name: "transfer_to_billing", arguments: ["{", "}"] }] },
  {
    id: `resp_${run}_2`,
    reasoning: ["Look ", "both up."],
    calls: [
      { id: `call_${run}_b`, name: "lookup", arguments: ['{"id":', '"ch_1"}'] },
      { id: `call_${run}_c`, name: "lookup", arguments: ['{"id":"ch_2"}'] },
    ],
    usage: { input: 20, output: 9, reasoning: 3 },
  },
  { id: `resp_${run}_3`, text: ["Your refund ", "is on its way."], usage: { input: 30, cached: 20, output: 6 } },
];

for (const [api, dialect] of [
  ["responses", responsesDialect],
  ["chat", chatDialect],
] as const) {
  describe(`a cassette of ${dialect.name}`, () => {
    /** A run against the server, recorded to `name`. */
    const record = async (name: string, run: string): Promise<{ path: string; result: RunResult<string> }> => {
      const provider = await startProvider((_, response, number) => {
        const { frames } = dialect.encode(replies(run)[number] as WireReply);
        respond(response, frames, { "x-request-id": `req_${run}_${number}` });
      });
      const path = join(folder, name);
      const cassette = await openCassette(path, { mode: "record" });
      const plugins = [openai({ baseURL: provider.baseURL, apiKey: KEY, api }), cassette.plugin];
      const result = await new Runner({ plugins }).run(desk(), "I was charged twice");
      cassette.close();
      await provider.close();
      return { path, result };
    };

    it("gives the same run with the server gone and no key", async () => {
      const { path, result } = await record("run.json", "x");
      vi.stubEnv("OPENAI_API_KEY", "");
      const cassette = await openCassette(path);
      const replayed = await new Runner({ plugins: [openai({ api }), cassette.plugin] }).run(
        desk(),
        "I was charged twice",
      );
      cassette.close();
      const named = (text: string): string =>
        text.replaceAll(/call_x_([abc])/g, (_, letter: string) => `call_${"abc".indexOf(letter) + 1}`);
      expect(transcript(replayed.history)).toEqual(transcript(result.history).map(named));
      expect(replayed.finalOutput).toBe("Your refund is on its way.");
      expect(replayed.usage).toEqual(result.usage);
      expect(replayed.usage).toMatchObject({ requests: 3, cachedInputTokens: 20 });
    });

    it("has no key and no id of the server, so that it is the same when it is made again", async () => {
      const files = [];
      for (const run of ["x", "y"]) {
        const { path } = await record("again.json", run);
        files.push(readFileSync(path, "utf8"));
      }
      expect(files[1]).toBe(files[0]);
      expect(files[0]).not.toMatch(/sk-loopback|_x_|_y_|127\.0\.0\.1/);
      expect(files[0]).toContain('{ "text": ["Your refund ", "is on its way."]');
    });

    it("throws the server's error again", async () => {
      const provider = await startProvider((_, response) => {
        response.writeHead(429, { "content-type": "application/json", "retry-after": "3" });
        response.end(JSON.stringify({ error: { message: `Rate limit of ${KEY}`, code: "rate_limit_exceeded" } }));
      });
      const path = join(folder, "error.json");
      const ask = async (plugins: ConstructorParameters<typeof Runner>[0] & object): Promise<unknown> =>
        new Runner(plugins).run(desk(), "hi").catch((error: unknown) => error);
      const recording = await openCassette(path, { mode: "record" });
      const real = openai({ baseURL: provider.baseURL, apiKey: KEY, api });
      const recorded = await ask({ plugins: [real, recording.plugin] });
      recording.close();
      await provider.close();
      const cassette = await openCassette(path);
      const replayed = await ask({ plugins: [openai({ api }), cassette.plugin] });
      cassette.close();
      expect(replayed).toBeInstanceOf(ModelError);
      const { kind, status, retryAfterMs, message } = recorded as ModelError;
      expect(kind).toBe("rate_limit");
      expect(replayed).toMatchObject({ kind, status, retryAfterMs, message });
    });
  });
}
