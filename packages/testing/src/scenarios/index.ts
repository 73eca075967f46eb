/**
 * Conversations as data: what the user says, what must follow, how often it does.
 *
 * @module
 */
export { checkScenario, runScenarios } from "./run.ts";
export type { ScenarioAgent, ScenarioArguments, ScenarioOptions, ScenarioSetup } from "./options.ts";
export type {
  Decision,
  Decisions,
  EndExpectations,
  ExpectedCall,
  OneOrMore,
  Scenario,
  ScenarioTurn,
  ScenarioUser,
  TurnExpectations,
} from "./scenario.ts";
export { readScenarioFiles, readScenarios, type ReadScenariosOptions } from "./read.ts";
export { type ScenarioProblem, ScenariosError } from "./scenarios-error.ts";
export type { PlayedTurn, ScenarioFailure, ScenarioReport, ScenarioResult, ScenarioRun } from "./report.ts";
export { scenarioJUnit } from "./junit.ts";
export { scenarioTable } from "./table.ts";
