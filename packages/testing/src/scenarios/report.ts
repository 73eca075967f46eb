/** What came of scenarios, as plain data. */

/** What came of all scenarios. `JSON.stringify` writes it as it is. */
export interface ScenarioReport {
  /** Every scenario has passed. */
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly scenarios: readonly ScenarioResult[];
}

/** What came of one scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  /** Its pass rate is at least `minPassRate`. */
  readonly ok: boolean;
  readonly passes: number;
  /** How often it was played: what the rate is worth. */
  readonly count: number;
  readonly passRate: number;
  readonly minPassRate: number;
  readonly runs: readonly ScenarioRun[];
}

/** What came of playing a scenario once. */
export interface ScenarioRun {
  readonly ok: boolean;
  /** What went wrong. The turns after the first that failed are not played. */
  readonly failures: readonly ScenarioFailure[];
  readonly turns: readonly PlayedTurn[];
  /** What the model that plays the user said of its goal. */
  readonly goal?: { readonly reached: boolean; readonly why: string };
  /** Model calls of the agents, nested runs included. The model that plays the user is not counted. */
  readonly calls: number;
  readonly tokens: number;
  /** Where `price` is given. */
  readonly usd?: number;
  readonly durationMs: number;
  /** The conversation, one item a line. */
  readonly transcript: readonly string[];
}

/** One thing that went wrong. */
export interface ScenarioFailure {
  /** From 1; `null` is the conversation as a whole. */
  readonly turn: number | null;
  /** One sentence for each expectation, without the transcript. */
  readonly message: string;
  /** The transcript up to there, the places marked by `>`. */
  readonly transcript: readonly string[];
}

/** One turn as it went. */
export interface PlayedTurn {
  readonly user: string;
  /** `null` where there was none. */
  readonly answer: string | null;
  /** Who answered. */
  readonly agent: string | null;
  /** Through which agents control went. */
  readonly path: readonly string[];
  /** Tools that were called, in order. */
  readonly calls: readonly string[];
}
