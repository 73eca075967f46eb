import { describe, it } from "vitest";
import { scenarios } from "./scenarios.ts";
import { play } from "./verify.ts";

describe("the help desk", () => {
  it.each(scenarios.map((scenario) => [scenario.title, scenario] as const))("%s", (_, scenario) => play(scenario));
});
