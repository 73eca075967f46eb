/** The bank as the scenarios of `scenarios/*.yaml` are played with it: by their test, and by `pnpm scenarios`. */
import type { ScenarioOptions } from "@batonjs/testing/scenarios";
import { openBank } from "./bank.ts";

const bank = await openBank();

export const triage = bank.frontDesk;
export const scenarios: ScenarioOptions = { plugins: bank.plugins };
