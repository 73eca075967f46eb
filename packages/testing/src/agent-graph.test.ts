import { Agent, dropToolItems, handBack, handoff, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { agentGraph, edgeName, toDot, toMermaid, toText } from "./index.ts";

const writer = new Agent({ name: "Writer", outputType: z.object({ text: z.string() }) });
const refund = tool({ name: "refund", needsApproval: true, execute: () => "" });
const billing = new Agent({
  name: 'Billing "B"',
  model: "openai/gpt-4o",
  tools: [refund, writer.asTool(), { type: "hosted", provider: "openai", name: "web_search" }],
  handoffs: [handBack()],
});
const expert = new Agent({ name: "Expert", inputGuardrails: [{ name: "calm", check: () => true }] });
const triage = new Agent({
  name: "Triage",
  handoffs: [
    handoff(billing, {
      inputType: z.object({ issue: z.string() }),
      inputFilter: dropToolItems,
      toolName: "to_billing",
    }),
    handoff(expert, { mode: "return", needsApproval: true, guardrails: [{ name: "paid", check: () => true }] }),
  ],
});
const graph = agentGraph(triage);

describe("agentGraph()", () => {
  it("is plain data", () => {
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
    expect(graph.nodes.map(({ name }) => name)).toEqual(["Triage", 'Billing "B"', "Expert", "Writer"]);
    expect(graph.nodes[1]).toEqual({
      name: 'Billing "B"',
      model: "openai/gpt-4o",
      tools: [
        { name: "refund", kind: "function", sideEffects: "once", approval: true },
        { name: "writer", kind: "agent", sideEffects: "idempotent", approval: false },
        { name: "web_search", kind: "hosted", approval: false },
      ],
      guardrails: [],
      output: false,
    });
    expect(graph.edges.map(edgeName)).toEqual([
      'Triage → Billing "B" (to_billing)',
      "Triage → Expert (transfer_to_expert)",
      'Billing "B" → Triage (transfer_back)',
      'Billing "B" → Writer (writer)',
    ]);
  });

  it("is drawn in a terminal", () => {
    expect(toText(graph, { coldNodes: ["Expert"], coldEdges: ["Triage → Expert (transfer_to_expert)"] }))
      .toMatchInlineSnapshot(`
      "● Triage
      ├─→ Billing "B"  to_billing(issue); filter: dropToolItems
      └─→ Expert  transfer_to_expert; return; guardrail: paid; approval (cold)
      ○ Billing "B"
      │ refund*, writer, web_search
      ├╌→ Triage  transfer_back
      └─○ Writer  writer
      ○ Expert (cold)
      ○ Writer"
    `);
  });

  it("is drawn by Mermaid", () => {
    expect(toMermaid(graph, { coldNodes: ["Expert"], coldEdges: ["Triage → Expert (transfer_to_expert)"] }))
      .toMatchInlineSnapshot(`
      "flowchart LR
        a0(["Triage"])
        a1["Billing #quot;B#quot;<br>refund*<br>writer<br>web_search"]
        a2["Expert"]
        a3["Writer"]
        a0 -->|"to_billing(issue); filter: dropToolItems"| a1
        a0 -->|"transfer_to_expert; return; guardrail: paid; approval"| a2
        a1 -.->|"transfer_back"| a0
        a1 --o|"writer"| a3
        classDef cold fill:#eee,stroke:#999,color:#999
        class a2 cold
        linkStyle 1 stroke:#bbb,color:#999"
    `);
  });

  it("is drawn by Graphviz", () => {
    expect(toDot(graph, { coldNodes: ["Expert"] })).toMatchInlineSnapshot(`
      "digraph agents {
        rankdir=LR;
        node [shape=box];
        "Triage" [label="Triage", style="bold"];
        "Billing \\"B\\"" [label="Billing \\"B\\"\\nrefund*\\nwriter\\nweb_search"];
        "Expert" [label="Expert", color="gray", fontcolor="gray"];
        "Writer" [label="Writer"];
        "Triage" -> "Billing \\"B\\"" [label="to_billing(issue); filter: dropToolItems", style="solid"];
        "Triage" -> "Expert" [label="transfer_to_expert; return; guardrail: paid; approval", style="solid"];
        "Billing \\"B\\"" -> "Triage" [label="transfer_back", style="dashed"];
        "Billing \\"B\\"" -> "Writer" [label="writer", style="dotted"];
      }"
    `);
  });

  it("is drawn with a cycle of two that name each other", () => {
    const a: Agent = new Agent({ name: "A", handoffs: (): Agent[] => [b] });
    const b: Agent = new Agent({ name: "B", handoffs: (): Agent[] => [a] });
    expect(toText(agentGraph(a))).toBe("● A\n└─→ B  transfer_to_b\n○ B\n└─→ A  transfer_to_a");
  });
});
