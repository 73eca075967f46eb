/**
 * Tests for agents: a model that answers from a script, and an oracle that checks every request.
 *
 * @module
 */
export { type ScriptedModel, type ScriptedModelOptions, scriptedModel } from "./scripted-model.ts";
export {
  type Answer,
  call,
  calls,
  endEarly,
  fail,
  garbage,
  handOff,
  reason,
  reply,
  say,
  type Script,
  type ScriptedContent,
  type ScriptedPart,
  type ScriptedReply,
  type ScriptedReplyOptions,
  ScriptError,
  stall,
  type Step,
} from "./script.ts";
export {
  checkRequest,
  type Expectations,
  type Invariant,
  oracle,
  oracleModel,
  type OraclePlugin,
  OracleViolation,
} from "./oracle.ts";
export { transcript, type TranscriptOptions } from "./transcript.ts";
export { requestOf, type RequestOptions } from "./request.ts";
export { invariantsOf, type RecordExpectations } from "./record.ts";
export { collect, eventSequence, type EventSequenceOptions } from "./events.ts";
export { type TestClock, testClock, testIds, testRandom } from "./environment.ts";
export {
  type Crossing,
  CrossingError,
  type MarkedPlace,
  nothingCrosses,
  type NothingCrossesOptions,
} from "./crossings.ts";
export { everyHandoff, type HandoffEdge, type SomeAgent } from "./edges.ts";
export {
  isolate,
  type Isolated,
  type IsolateOptions,
  IsolationError,
  seenAfterHandoff,
  type WithContext,
} from "./isolate.ts";
export * from "./assertions.ts";
export type { AgentName, Cost, Played } from "./expectations.ts";
export * from "./agent-graph.ts";
export type { Finding, Label, LintClassifier, LintOptions, LintRule, Off } from "./lint/findings.ts";
export { lintAgents, type LintReport, lintRules, lintText } from "./lint/lint.ts";
export { type Blocked, BlockedCallError, type BlockOptions, blockRealModels } from "./block.ts";
export {
  functionModel,
  SmokeError,
  smokeModel,
  type SmokeOptions,
  type SmokeReport,
  smokeTest,
  type SmokeTestOptions,
} from "./smoke.ts";
export {
  type StubbedCall,
  type StubbedTools,
  type StubContext,
  StubError,
  type StubLike,
  type StubOptions,
  stubTools,
  type ToolStub,
} from "./stub-tools.ts";
export * from "./coverage.ts";
