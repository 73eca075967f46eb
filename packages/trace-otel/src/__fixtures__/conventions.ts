/**
 * Names as the OpenTelemetry GenAI conventions publish them, copied from `open-telemetry/semantic-conventions-genai`
 * in October 2026, which has no tagged version:
 *
 * - attributes and operations: `docs/registry/attributes/gen-ai.md`, `docs/gen-ai/client-inference.md` (commit
 *   024a4f944a1291fcb627c9c47da69e79868dd15e), `docs/gen-ai/gen-ai-agent-spans.md` (commit
 *   11069855473880ad2b22a60de687a3a7b7ea7bd5, with the proposed transfers; `gen_ai.transfer.target.type` was in its
 *   earlier drafts);
 * - guardrails: `docs/gen-ai/gen-ai-guardrails.md` (commit f5e3733b19bdb5cb9074c2ec26da9e375d52a40a, proposed);
 * - metrics: `docs/gen-ai/gen-ai-metrics.md` as generated for `@opentelemetry/semantic-conventions-genai` (pull request
 *   7014 of `open-telemetry/opentelemetry-js`). A later proposal (pull request 521) would rename those of inference.
 */
export const ATTRIBUTES: ReadonlySet<string> = new Set([
  "error.type",
  "server.address",
  "server.port",
  "gen_ai.agent.description",
  "gen_ai.agent.id",
  "gen_ai.agent.name",
  "gen_ai.agent.version",
  "gen_ai.caller.name",
  "gen_ai.caller.type",
  "gen_ai.conversation.compacted",
  "gen_ai.conversation.id",
  "gen_ai.data_source.id",
  "gen_ai.guardrail.component.name",
  "gen_ai.guardrail.policy.id",
  "gen_ai.guardrail.policy.version",
  "gen_ai.guardrail.result.reason",
  "gen_ai.guardrail.result.type",
  "gen_ai.guardrail.result.value",
  "gen_ai.guardrail.source",
  "gen_ai.input.messages",
  "gen_ai.operation.name",
  "gen_ai.output.messages",
  "gen_ai.output.type",
  "gen_ai.prompt.name",
  "gen_ai.prompt.version",
  "gen_ai.provider.name",
  "gen_ai.request.choice.count",
  "gen_ai.request.frequency_penalty",
  "gen_ai.request.max_tokens",
  "gen_ai.request.model",
  "gen_ai.request.presence_penalty",
  "gen_ai.request.previous_response.id",
  "gen_ai.request.reasoning.level",
  "gen_ai.request.seed",
  "gen_ai.request.stop_sequences",
  "gen_ai.request.stream",
  "gen_ai.request.temperature",
  "gen_ai.request.top_k",
  "gen_ai.request.top_p",
  "gen_ai.response.finish_reasons",
  "gen_ai.response.id",
  "gen_ai.response.model",
  "gen_ai.response.time_to_first_chunk",
  "gen_ai.system_instructions",
  "gen_ai.token.type",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.id",
  "gen_ai.tool.call.result",
  "gen_ai.tool.definitions",
  "gen_ai.tool.description",
  "gen_ai.tool.name",
  "gen_ai.tool.type",
  "gen_ai.transfer.mode",
  "gen_ai.transfer.target.name",
  "gen_ai.transfer.target.type",
  "gen_ai.usage.cache_read.input_tokens",
  "gen_ai.usage.cache_write.input_tokens",
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.reasoning.output_tokens",
  "gen_ai.workflow.name",
]);

/** Attributes that a span of the operation must have; those that depend on something are left to the tests. */
export const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  invoke_workflow: ["gen_ai.operation.name"],
  invoke_agent: ["gen_ai.operation.name", "gen_ai.agent.name"],
  chat: ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"],
  execute_tool: ["gen_ai.operation.name", "gen_ai.tool.name"],
  apply_guardrail: ["gen_ai.operation.name"],
};

/** How a span of the operation is called: the operation, then the value of this attribute. */
export const NAMED_AFTER: Readonly<Record<string, string>> = {
  invoke_workflow: "gen_ai.workflow.name",
  invoke_agent: "gen_ai.agent.name",
  chat: "gen_ai.request.model",
  execute_tool: "gen_ai.tool.name",
  apply_guardrail: "gen_ai.guardrail.component.name",
};

export const TRANSFER_MODES: readonly string[] = ["return_to_caller", "pass_control"];

/** Metrics with their instrument and unit. */
export const METRICS: Readonly<Record<string, readonly [instrument: "HISTOGRAM", unit: string]>> = {
  "gen_ai.client.operation.duration": ["HISTOGRAM", "s"],
  "gen_ai.client.operation.time_per_output_chunk": ["HISTOGRAM", "s"],
  "gen_ai.client.operation.time_to_first_chunk": ["HISTOGRAM", "s"],
  "gen_ai.client.token.usage": ["HISTOGRAM", "{token}"],
  "gen_ai.execute_tool.duration": ["HISTOGRAM", "s"],
  "gen_ai.invoke_agent.duration": ["HISTOGRAM", "s"],
  "gen_ai.invoke_agent.inference_calls": ["HISTOGRAM", "{call}"],
  "gen_ai.invoke_agent.tool_calls": ["HISTOGRAM", "{call}"],
  "gen_ai.invoke_workflow.duration": ["HISTOGRAM", "s"],
};
