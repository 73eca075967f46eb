import { resolve } from "node:path";
import { checkKeys, type Clock, type Model, type Plugin, systemClock, withStream } from "@batonjs/core";
import type { RedactRule } from "@batonjs/core/tracing";
import { announce } from "../watch.ts";
import { CassetteError, HOW_TO_RECORD } from "./cassette-error.ts";
import { readCassette, writeCassette } from "./file.ts";
import { type CassetteMode, isRecording } from "./mode.ts";
import { DEFINITION } from "./normal-form.ts";
import { openedCassettes } from "./opened.ts";
import { Player, type RequestField } from "./player.ts";
import { Recorder } from "./recorder.ts";
import { Redaction } from "./redaction.ts";

/** How a cassette is recorded and replayed. */
export interface CassetteOptions {
  /**
   * The real model, for `cassette.model`. A function is called only to record, so that a replay needs no key and loads no
   * provider. Not needed for `cassette.plugin`.
   */
  readonly record?: Model | (() => Model | Promise<Model>);
  /** The environment's `BATON_CASSETTES` goes over it. In CI only that flag records. @default {"replay"} */
  readonly mode?: CassetteMode;
  /**
   * What must be as it was recorded. `strict`: all of a request. `lenient`: what is said and called, while agents may have
   * changed. Or which fields may differ. @default {"strict"}
   */
  readonly match?: "strict" | "lenient" | { readonly ignore: readonly RequestField[] };
  /** Whether a replay waits as the recorded model did, by `clock`. @default {"none"} */
  readonly timing?: "recorded" | "none";
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** What is taken out of the file beside keys, tokens and passwords; also for what is new in each run, as a date. */
  readonly redact?: readonly RedactRule[];
}

/** A recording of what models were asked and answered. */
export interface Cassette {
  readonly path: string;
  /** The file is being recorded. */
  readonly recording: boolean;
  /** Answers from the recording; while it is made, the model of the option `record`. */
  readonly model: Model;
  /** The same for all models of a runner: `new Runner({ plugins: [openai(), cassette.plugin] })`. */
  readonly plugin: Plugin;
  /** What went wrong in the replay, also where a wrapper swallowed the error. */
  readonly problems: readonly Error[];
  /** What differs from the recording and may. */
  readonly stale: readonly string[];
  /** Throws what went wrong first, or a `CassetteError` where recordings are left that no request has taken. */
  assertDone(): void;
  /** Writes the recording; or, after a replay, the same as `assertDone()`. */
  close(): void;
}

const OPTIONS: ReadonlySet<string> = new Set(["record", "mode", "match", "timing", "clock", "redact"]);
const DEFINITIONS: ReadonlySet<RequestField> = new Set(DEFINITION);

/**
 * Opens the recording at `path`: to replay it, or to make it, by the flag `BATON_CASSETTES=record` (all of them) or
 * `BATON_CASSETTES=missing` (those that are not there).
 *
 * ```ts
 * import { Agent, run } from "@batonjs/core";
 * import { openCassette } from "@batonjs/testing/cassettes";
 * import { openai } from "@batonjs/model-openai";
 *
 * const cassette = await openCassette("test/cassettes/refund.json", { record: () => openai.responses("gpt-4o") });
 * const triage = new Agent({ name: "Triage", model: cassette.model });
 * await run(triage, "I was charged twice");
 * cassette.close();
 * ```
 *
 * Rejects with a `CassetteError` where the file is not there, is of another version, or must not be recorded here.
 */
export async function openCassette(path: string, options: CassetteOptions = {}): Promise<Cassette> {
  if (typeof path !== "string" || path === "") throw new TypeError(`Cannot open a cassette: expected a path to a file`);
  checkKeys(options, OPTIONS, "a cassette");
  const { record, match = "strict", timing = "none", clock = systemClock } = options;
  const redaction = new Redaction(options.redact);
  const ignored = ignoredBy(match);
  if (timing !== "recorded" && timing !== "none")
    throw new TypeError(`Cannot use "${String(timing)}" as timing: expected recorded, none`);
  const recording = isRecording(path, options.mode);
  const opened = (stale: readonly string[]): void => void openedCassettes().push({ path: resolve(path), stale });
  if (recording) {
    opened([]);
    return new Recording(path, typeof record === "function" ? await record() : record, clock, redaction);
  }
  const exchanges = readCassette(path);
  const player = new Player(exchanges, { path, ignored, clock: timing === "recorded" ? clock : undefined, redaction });
  opened(player.stale);
  const replay = new Replay(path, player, typeof record === "function" ? undefined : record);
  announce({ name: `cassette ${JSON.stringify(path)}`, problems: () => replay.outstanding() });
  return replay;
}

function ignoredBy(match: Required<CassetteOptions>["match"]): ReadonlySet<RequestField> {
  if (match === "strict") return new Set();
  if (match === "lenient") return DEFINITIONS;
  const known = [...DEFINITION, "items"] as const;
  const unknown = (match as Partial<typeof match>).ignore?.find((field) => !known.includes(field));
  if (!Array.isArray((match as Partial<typeof match>).ignore) || unknown !== undefined) {
    throw new TypeError(
      `Cannot match by ${JSON.stringify(match)}: expected "strict", "lenient" or { ignore } with ${known.join(", ")}`,
    );
  }
  return new Set(match.ignore);
}

class Recording implements Cassette {
  readonly recording = true;
  readonly problems: readonly Error[] = [];
  readonly stale: readonly string[] = [];
  readonly path: string;
  readonly plugin: Plugin;
  readonly #recorder: Recorder;
  readonly #real: Model | undefined;
  readonly #redaction: Redaction;

  constructor(path: string, real: Model | undefined, clock: Clock, redaction: Redaction) {
    this.path = path;
    this.#real = real;
    this.#redaction = redaction;
    this.#recorder = new Recorder(clock);
    this.plugin = { name: "cassette", wrapModel: (model) => this.#over(model) };
  }

  get model(): Model {
    if (this.#real) return this.#over(this.#real);
    throw new TypeError(`Cannot record "${this.path}": no model is given; set the option record`);
  }

  #over(model: Model): Model {
    return withStream(model, (request) => this.#recorder.stream(request, model));
  }

  assertDone(): void {}

  close(): void {
    writeCassette(this.path, this.#recorder.exchanges(this.#redaction));
  }
}

class Replay implements Cassette {
  readonly recording = false;
  readonly path: string;
  readonly model: Model;
  readonly plugin: Plugin;
  readonly #player: Player;

  constructor(path: string, player: Player, real: Model | undefined) {
    this.path = path;
    this.#player = player;
    const names = real ?? player.model ?? { name: "cassette", provider: "cassette" };
    this.model = withStream(names, (request) => player.stream(request, real));
    this.plugin = {
      name: "cassette",
      wrapModel: (model) => withStream(model, (request) => player.stream(request, model)),
    };
  }

  get problems(): readonly Error[] {
    return this.#player.problems;
  }
  get stale(): readonly string[] {
    return this.#player.stale;
  }

  assertDone(): void {
    const [first] = this.outstanding();
    if (first) throw first;
  }

  close(): void {
    this.assertDone();
  }

  /** What went wrong, and what is left over now. */
  outstanding(): readonly Error[] {
    const { problems, unused } = this.#player;
    if (unused.length === 0) return problems;
    const left = unused.map(({ number, request }) => `${number} (agent "${request.agent}")`).join(", ");
    const what = unused.length === 1 ? "recording that no request has taken" : "recordings that no request has taken";
    const message = `Cannot end the replay of "${this.path}" with ${unused.length} ${what}: ${left}; ${HOW_TO_RECORD} again`;
    return [...problems, new CassetteError("unused", this.path, message)];
  }
}
