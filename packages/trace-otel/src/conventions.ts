/**
 * Names of the OpenTelemetry GenAI semantic conventions, and ours beside them.
 *
 * The conventions are in development and have no tagged version. These names are those of the repository
 * `open-telemetry/semantic-conventions-genai` as it stood in the autumn of 2026; two parts are proposals there:
 * transfers (pull request 447) and guardrails (`docs/gen-ai/gen-ai-guardrails.md`).
 */

/** Names the state of the conventions that spans and metrics follow. */
export const CONVENTIONS = "semantic-conventions-genai/2026-10";

export const OPERATION = {
  workflow: "invoke_workflow",
  agent: "invoke_agent",
  chat: "chat",
  tool: "execute_tool",
  guardrail: "apply_guardrail",
} as const;

/** Attributes of the conventions. */
export const GEN_AI = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  conversation: "gen_ai.conversation.id",
  compacted: "gen_ai.conversation.compacted",
  workflow: "gen_ai.workflow.name",
  agent: "gen_ai.agent.name",
  outputType: "gen_ai.output.type",
  requestModel: "gen_ai.request.model",
  maxTokens: "gen_ai.request.max_tokens",
  temperature: "gen_ai.request.temperature",
  topP: "gen_ai.request.top_p",
  stop: "gen_ai.request.stop_sequences",
  frequencyPenalty: "gen_ai.request.frequency_penalty",
  presencePenalty: "gen_ai.request.presence_penalty",
  seed: "gen_ai.request.seed",
  stream: "gen_ai.request.stream",
  reasoningLevel: "gen_ai.request.reasoning.level",
  responseModel: "gen_ai.response.model",
  responseId: "gen_ai.response.id",
  finishReasons: "gen_ai.response.finish_reasons",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  cachedTokens: "gen_ai.usage.cache_read.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  tokenType: "gen_ai.token.type",
  instructions: "gen_ai.system_instructions",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  toolDefinitions: "gen_ai.tool.definitions",
  tool: "gen_ai.tool.name",
  toolType: "gen_ai.tool.type",
  callId: "gen_ai.tool.call.id",
  callArguments: "gen_ai.tool.call.arguments",
  callResult: "gen_ai.tool.call.result",
  transferTarget: "gen_ai.transfer.target.name",
  transferType: "gen_ai.transfer.target.type",
  transferMode: "gen_ai.transfer.mode",
  guardrail: "gen_ai.guardrail.component.name",
  guardrailSource: "gen_ai.guardrail.source",
  guardrailResult: "gen_ai.guardrail.result.type",
  guardrailValue: "gen_ai.guardrail.result.value",
  guardrailReason: "gen_ai.guardrail.result.reason",
} as const;

export const ERROR_TYPE = "error.type";

/** Attributes of ours: what the conventions have no word for. */
export const BATON = {
  conventions: "baton.conventions",
  runId: "baton.run.id",
  status: "baton.run.status",
  tenant: "baton.session.tenant",
  pending: "baton.run.pending",
  turn: "baton.turn.number",
  purpose: "baton.turn.purpose",
  resets: "baton.turn.resets",
  itemsShown: "baton.turn.items",
  requests: "baton.usage.requests",
  inputTokens: "baton.usage.input_tokens",
  outputTokens: "baton.usage.output_tokens",
  cost: "baton.cost.usd",
  unknownPrices: "baton.cost.unknown_models",
  toolStatus: "baton.tool.status",
  handoffFrom: "baton.handoff.from",
  handoffMode: "baton.handoff.mode",
  handoffReason: "baton.handoff.reason",
  itemsBefore: "baton.handoff.items.before",
  itemsAfter: "baton.handoff.items.after",
  tokensBefore: "baton.handoff.tokens.before",
  tokensAfter: "baton.handoff.tokens.after",
  itemsDropped: "baton.handoff.items.dropped",
  itemsPutIn: "baton.handoff.items.put_in",
  filters: "baton.handoff.filters",
  scores: "baton.router.scores",
  sessionItems: "baton.session.items",
  sessionVersion: "baton.session.version",
} as const;

/** Metrics of the conventions, and three counters of ours. */
export const METRIC = {
  chatDuration: "gen_ai.client.operation.duration",
  tokens: "gen_ai.client.token.usage",
  timeToFirstChunk: "gen_ai.client.operation.time_to_first_chunk",
  workflowDuration: "gen_ai.invoke_workflow.duration",
  agentDuration: "gen_ai.invoke_agent.duration",
  agentInferences: "gen_ai.invoke_agent.inference_calls",
  agentTools: "gen_ai.invoke_agent.tool_calls",
  toolDuration: "gen_ai.execute_tool.duration",
  handoffs: "baton.handoffs",
  refusals: "baton.handoff.refusals",
  blocked: "baton.guardrail.refusals",
  cost: "baton.cost",
} as const;

/** Names of providers as the conventions write them, where adapters say something else. */
const PROVIDERS: Readonly<Record<string, string>> = {
  azure: "azure.ai.openai",
  bedrock: "aws.bedrock",
  gemini: "gcp.gemini",
  google: "gcp.gemini",
  mistral: "mistral_ai",
  moonshot: "moonshot_ai",
  vertex: "gcp.vertex_ai",
  watsonx: "ibm.watsonx.ai",
  xai: "x_ai",
};

/** The provider's name in the conventions, where they have one. */
export function providerName(provider: string): string {
  return PROVIDERS[provider] ?? provider;
}
