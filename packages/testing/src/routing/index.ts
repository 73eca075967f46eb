/**
 * How often a triage is right: messages with the agents they are for, sent through any agent with handoffs.
 *
 * @module
 */
export { evaluateRouting, type EvaluationArguments, type EvaluationOptions } from "./evaluate.ts";
export { type CaseProblem, CasesError, readCases, type ReadCasesOptions, type RoutingCase } from "./cases.ts";
export {
  type CalibrationReport,
  type ConfusionMatrix,
  type CoveragePoint,
  type EdgeReport,
  joinReports,
  type RoutingGuess,
  type RoutingReport,
  type RoutingResult,
  type RungReport,
} from "./report.ts";
export { type ChangedRoute, compareRouting, type CompareOptions, type RoutingComparison } from "./compare.ts";
export { routingTable, type RoutingTableOptions } from "./table.ts";
export { routingHtml } from "./html.ts";
