/** Routing measured, with a threshold that was fitted on other messages than it is measured on. */
import type { FittedThreshold } from "@batonjs/router";
import { type RoutingCase, type RoutingReport, evaluateRouting, joinReports } from "@batonjs/testing/routing";
import type { Bank } from "./bank.ts";

/** With fewer there is too little to fit a threshold on. */
const MIN_TO_FIT = 20;
/** Parts of the messages: each is measured with what was fitted on the others. */
const PARTS = 5;

export interface EvaluationSettings {
  /** How often the router must be right where examples decide; without it the threshold stays as it is. */
  readonly precision?: number;
  readonly concurrency?: number;
}

export interface Evaluated {
  readonly report: RoutingReport;
  readonly fitted?: Fitted;
  /** Messages that are examples of the router, which make it look better than it is. */
  readonly known: number;
}

/** A threshold for a wanted precision. */
export interface Fitted {
  /** On all messages: the one to use. */
  readonly all: FittedThreshold;
  /** What each fifth was measured with: fitted on the other four. */
  readonly parts: readonly number[];
}

/** Measures routing. Each fifth of the messages is measured with the threshold that was fitted on the other four. */
export async function evaluateBank(
  bank: Bank,
  cases: readonly RoutingCase[],
  { precision, concurrency = 1 }: EvaluationSettings,
): Promise<Evaluated> {
  const { frontDesk, router, plugins } = bank;
  const measure = (some: readonly RoutingCase[]): Promise<RoutingReport> =>
    evaluateRouting(frontDesk, some, { plugins, concurrency });
  const examples = examplesOf(bank);
  const unknown = cases.filter(({ text }) => !examples.has(plain(text)));
  const known = cases.length - unknown.length;
  if (precision === undefined || unknown.length < MIN_TO_FIT) return { report: await measure(cases), known };

  const fit = async (some: readonly RoutingCase[]): Promise<FittedThreshold> => {
    const messages = some.map(({ text, agent }) => ({ text, to: labelOf(agent, bank) }));
    return router.fitThresholds(frontDesk, messages, { precision });
  };
  const parts = partsOf(unknown);
  const reports: RoutingReport[] = [];
  const thresholds: number[] = [];
  for (const [i, part] of parts.entries()) {
    thresholds.push((await fit(parts.toSpliced(i, 1).flat())).threshold);
    reports.push(await measure(part));
  }
  const all = await fit(unknown); // the last one stays set
  if (known > 0) reports.push(await measure(cases.filter((each) => !unknown.includes(each))));
  return { report: joinReports(reports), fitted: { all, parts: thresholds }, known };
}

/** Every fifth message of each agent. */
function partsOf(cases: readonly RoutingCase[]): readonly (readonly RoutingCase[])[] {
  const parts: RoutingCase[][] = Array.from({ length: PARTS }, () => []);
  let next = 0;
  for (const own of Map.groupBy(cases, ({ agent }) => agent).values())
    for (const each of own) parts[next++ % PARTS]?.push(each);
  return parts;
}

/** The agent as the router names it; `null` for what stays. */
function labelOf(agent: string | null, { frontDesk }: Bank): string | null {
  const wanted = agent?.trim().toLowerCase();
  const edge = frontDesk.handoffs.find(({ agent: to, toolName }) =>
    [to?.name, toolName].some((name) => name?.toLowerCase() === wanted),
  );
  return edge?.toolName ?? null;
}

function examplesOf({ frontDesk }: Bank): ReadonlySet<string> {
  return new Set(frontDesk.handoffs.flatMap(({ examples = {} }) => Object.values(examples).flat().map(plain)));
}

/** A text as far as it matters for being the same. */
const plain = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
