/** The help desk as the scenarios of `scenarios/*.yaml` are played with it: by their test, and by `pnpm scenarios`. */
import { local } from "@batonjs/model-local";
import type { Scenario, ScenarioOptions, ScenarioSetup } from "@batonjs/testing/scenarios";
import { createDesk } from "../agents.ts";
import { TODAY, openDatabase } from "../database.ts";
import type { Support } from "../support.ts";

type DeskSetup = ScenarioSetup<Support> & { readonly context: Support };

export const triage = createDesk();

/** Each conversation has a database of its own; `data.customer` says who is signed in. */
export const scenarios: ScenarioOptions & { readonly setup: (scenario: Scenario) => DeskSetup } = {
  plugins: [local({ today: TODAY })],
  runner: { model: "local" },
  setup: ({ data = {} }) => {
    const { customer = "cus_1001" } = data as { readonly customer?: string };
    const db = openDatabase();
    return { context: { db, customerId: customer }, close: () => db.close() };
  },
};
