/** Scenarios against the agents and options that they are to be played with. */
import type { AnyAgent } from "@batonjs/core";
import { namesOf } from "./names.ts";
import type { GivenOptions } from "./options.ts";
import { pathText, problemsOf } from "./problems.ts";
import type { Scenario } from "./scenario.ts";
import { repeatedNames, type ScenarioProblem, ScenariosError, source } from "./scenarios-error.ts";

/** Throws a `ScenariosError` for all that is wrong with `scenarios`, in themselves, for the agents or for the options. */
export function checkScenarios(
  agent: AnyAgent,
  scenarios: readonly Scenario[],
  { price, userModel }: GivenOptions,
): void {
  const names = namesOf(agent);
  if (scenarios.length === 0) throw new TypeError("Cannot play scenarios: there is none");
  const problems = scenarios.flatMap((scenario, i): readonly ScenarioProblem[] => {
    const { file, line, ...written } = scenario ?? {};
    const found = problemsOf(scenario && written, names);
    const all = found.length > 0 ? found : needs(scenario, price !== undefined, userModel !== undefined);
    const name = typeof scenario?.name === "string" ? scenario.name : `number ${i + 1}`;
    return all.map(({ path, message }) => ({
      ...source(file, line),
      scenario: name,
      message: path.length === 0 ? message : `${pathText(path)}: ${message}`,
    }));
  });
  if (problems.length === 0) problems.push(...repeatedNames(scenarios));
  if (problems.length > 0) throw new ScenariosError(problems);
}

/** What a scenario needs of the options. */
function needs(
  { turns = [], user, expect }: Scenario,
  hasPrice: boolean,
  hasUserModel: boolean,
): ReturnType<typeof problemsOf> {
  const message = "a cost in usd needs the option price";
  const costs = [
    ...turns.flatMap((turn, i) =>
      turn.expect?.cost?.usd === undefined ? [] : [["turns", i, "expect", "cost", "usd"]],
    ),
    ...(expect?.cost?.usd === undefined ? [] : [["expect", "cost", "usd"]]),
  ];
  return [
    ...(hasPrice ? [] : costs.map((path) => ({ path, message }))),
    ...(user && user.model === undefined && !hasUserModel
      ? [{ path: ["user"], message: "a user needs a model: its own, or the option userModel" }]
      : []),
  ];
}
