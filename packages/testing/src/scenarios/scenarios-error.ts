/** What is told about scenarios that cannot be played. */
import { quote } from "../text.ts";
import type { Scenario } from "./scenario.ts";

/** One thing that is wrong with scenarios. */
export interface ScenarioProblem {
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Name of the scenario, where it has one. */
  readonly scenario?: string;
  readonly message: string;
}

/** Scenarios that cannot be played. The message has all that is wrong, one a line. */
export class ScenariosError extends TypeError {
  override name = "ScenariosError";
  readonly problems: readonly ScenarioProblem[];

  constructor(problems: readonly ScenarioProblem[]) {
    const lines = problems.map(({ file, line, scenario, message }) => {
      const place =
        file === undefined
          ? line === undefined
            ? ""
            : `line ${line}`
          : `${file}${line === undefined ? "" : `:${line}`}`;
      const which = place === "" && scenario !== undefined ? `scenario ${quote(scenario)}` : place;
      return `  ${which === "" ? "" : `${which}: `}${message}`;
    });
    super(
      `Cannot use the scenarios: ${problems.length} ${problems.length === 1 ? "problem" : "problems"}\n${lines.join("\n")}`,
    );
    this.problems = problems;
  }
}

/** Names that several scenarios have. */
export function repeatedNames(scenarios: readonly Scenario[]): readonly ScenarioProblem[] {
  const seen = new Set<string>();
  return scenarios.flatMap(({ name, file, line }) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ ...source(file, line), scenario: name, message: `another scenario has the name ${quote(name)}` }];
  });
}

/** Where a scenario stands, as far as it is known. */
export const source = (file: string | undefined, line: number | undefined): Pick<ScenarioProblem, "file" | "line"> => ({
  ...(file === undefined ? {} : { file }),
  ...(line === undefined ? {} : { line }),
});
