import { Agent, handoff, Runner, tool } from "@batonjs/core";
import {
  chatDialect,
  responsesDialect,
  type SeenRequest,
  startProvider,
  type WireReply,
  respond,
} from "@batonjs/testing/model";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { openai } from "./index.ts";

/** A desk of two agents: triage hands over, billing looks up and answers. */
function desk() {
  const lookup = tool({
    name: "lookup_charge",
    description: "Finds charges.",
    parameters: z.object({ customer: z.string() }),
    sideEffects: "none",
    execute: ({ customer }) => `2 charges of ${customer}`,
  });
  const billing = new Agent({
    name: "Billing Agent",
    instructions: "You handle refunds.",
    model: "openai/gpt-4o",
    tools: [lookup],
  });
  return new Agent({
    name: "Triage Agent",
    instructions: "Route.",
    model: "openai/gpt-4o-mini",
    handoffs: [
      handoff(billing, {
        toolName: "transfer_to_billing",
        toolDescription: "Refunds.",
        inputType: z.object({ reason: z.string() }),
      }),
    ],
  });
}

const REPLIES: readonly WireReply[] = [
  {
    id: "resp_a",
    text: ["One moment."],
    calls: [{ id: "call_1", name: "transfer_to_billing", arguments: ['{"reason":', '"double charge"}'] }],
    usage: { input: 10, output: 5 },
  },
  {
    id: "resp_b",
    reasoning: ["Look it up."],
    calls: [{ id: "call_2", name: "lookup_charge", arguments: ['{"customer":"Ada"}'] }],
    usage: { input: 20, output: 5, reasoning: 3 },
  },
  { id: "resp_c", text: ["Your refund ", "is on its way."], usage: { input: 30, cached: 20, output: 6 } },
  { id: "resp_d", text: ["You are welcome."], usage: { input: 40, output: 4 } },
];

for (const [api, dialect] of [
  ["responses", responsesDialect],
  ["chat", chatDialect],
] as const) {
  describe(`a run over ${dialect.name}`, () => {
    const start = async (continuation: "none" | "response" = "none") => {
      const provider = await startProvider((_, response, number) =>
        respond(response, dialect.encode(REPLIES[number] as WireReply).frames),
      );
      const runner = new Runner({
        plugins: [openai({ baseURL: provider.baseURL, apiKey: "sk-loopback-1", api, continuation })],
      });
      return { provider, runner, seen: (): SeenRequest[] => provider.requests.map(({ body }) => dialect.decode(body)) };
    };

    it("hands over, calls a tool and answers; the next message goes to the specialist", async () => {
      const { provider, runner, seen } = await start();
      const first = await runner.run(desk(), "I was charged twice");
      expect(first).toMatchObject({ status: "completed", finalOutput: "Your refund is on its way." });
      expect(first.lastAgent.name).toBe("Billing Agent");
      expect(first.usage).toMatchObject({
        requests: 3,
        inputTokens: 60,
        cachedInputTokens: 20,
        outputTokens: 16,
        reasoningTokens: 3,
      });
      const second = await runner.run(desk(), [...first.toInputList(), { role: "user", content: "Thanks!" }]);
      expect(second.finalOutput).toBe("You are welcome.");

      expect(seen().map(({ model, system, functions }) => [model, system, functions.map(({ name }) => name)])).toEqual([
        ["gpt-4o-mini", "Route.", ["transfer_to_billing"]],
        ["gpt-4o", "You handle refunds.", ["lookup_charge"]],
        ["gpt-4o", "You handle refunds.", ["lookup_charge"]],
        ["gpt-4o", "You handle refunds.", ["lookup_charge"]],
      ]);
      const roles = seen().map(({ messages }) => messages.map(({ role }) => role).join(" "));
      expect(roles).toEqual([
        "user",
        "user assistant tool",
        "user assistant tool assistant tool",
        "user assistant tool assistant tool assistant user",
      ]);
      await provider.close();
    });

    it("streams what is said", async () => {
      const { provider, runner } = await start();
      const stream = runner.stream(desk(), "I was charged twice");
      let text = "";
      for await (const piece of stream.textStream) text += piece;
      expect(text).toContain("Your refund is on its way.");
      expect((await stream.result).finalOutput).toBe("Your refund is on its way.");
      await provider.close();
    });

    if (api === "chat") return;
    it("sends only what is new over a handoff and a tool's result, where the server keeps the rest", async () => {
      const { provider, runner } = await start("response");
      const { newItems } = await runner.run(desk(), "I was charged twice");
      const bodies = provider.requests.map(
        ({ body }) => body as unknown as { previous_response_id?: string; input: { type: string }[] },
      );
      expect(
        bodies.map(({ previous_response_id, input }) => [previous_response_id, input.map(({ type }) => type)]),
      ).toEqual([
        [undefined, ["message"]],
        ["resp_a", ["function_call_output"]],
        ["resp_b", ["function_call_output"]],
      ]);
      const turns = newItems.filter((item) => item.type === "turn");
      expect(turns.map(({ providerData }) => providerData?.["sent"])).toEqual(["full", "delta", "delta"]);
      await provider.close();
    });

    it("sends all that is left where a filter has taken something away", async () => {
      const { provider, runner } = await start("response");
      const triage = desk();
      const [edge] = triage.handoffs;
      const filtered = new Agent({
        name: "Triage Agent",
        instructions: "Route.",
        model: "openai/gpt-4o-mini",
        handoffs: [
          handoff(edge?.agent as Agent, {
            toolName: "transfer_to_billing",
            inputFilter: ({ inputHistory }) => ({ preHandoffItems: [], inputHistory: inputHistory.slice(-1) }),
          }),
        ],
      });
      await runner.run(
        filtered,
        ["[INTERNAL] x", "I was charged twice"].map((content) => ({ role: "user" as const, content })),
      );
      const bodies = provider.requests.map(
        ({ body }) => body as unknown as { previous_response_id?: string; input: { type: string }[] },
      );
      expect(bodies[1]?.previous_response_id).toBeUndefined();
      expect(bodies[1]?.input.map(({ type }) => type)).toEqual([
        "message",
        "message",
        "function_call",
        "function_call_output",
      ]);
      expect(JSON.stringify(bodies[1])).not.toContain("[INTERNAL]");
      expect(bodies[2]?.previous_response_id).toBe("resp_b");
      await provider.close();
    });
  });
}
