/**
 * Handoffs that cost no extra model call: a ladder of rules, examples and models before the triage model, prediction,
 * a way out for specialists, several requests in one message, and routers that only watch.
 *
 * @module
 */
export {
  type DecideOptions,
  type FitReport,
  type Ranking,
  routed,
  type RoutedOptions,
  type Router,
  router,
} from "./router.ts";
export type { RouterOptions, Rule, SavedRouter, Thresholds } from "./options.ts";
export type { Abstention, AgentScore, AlsoUsed, Decision, Judgement, NearExample, Question, Rung } from "./decision.ts";
export type { Classifier, ClassifierKind, Example, Neighbour, Prediction } from "./classifier.ts";
export { embedded, installed, type LocalClassifier, type LocalClassifiers, type LocalPrediction } from "./embedded.ts";
export { lexical } from "./lexical.ts";
export type { FittedThreshold, LabelledMessage, Precision } from "./fit.ts";
export type { TriageAgent } from "./lessons.ts";
export type { SavedClassifiers } from "./learner.ts";
export { predict, type PredictOptions } from "./predict.ts";
export { stickyCheck, type StickyOptions } from "./sticky.ts";
export { compound, type CompoundOptions } from "./compound.ts";
export { shadow, type ShadowOptions } from "./shadow.ts";
export { type Disagreement, disagreements, shadowReport, type ShadowReport } from "./notes.ts";
