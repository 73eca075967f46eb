/** A user that a model plays. */
import { Agent, type InputItem, type Model, type Plugin, Runner, type RunnerOptions, tool } from "@batonjs/core";
import type { ScenarioUser } from "./scenario.ts";

/** What the user does next. */
export type UserTurn =
  | { readonly type: "message"; readonly text: string }
  | { readonly type: "end"; readonly reached: boolean; readonly why: string };

/** What was said to the user, and by the user before. */
export interface Said {
  readonly user: string;
  readonly answer: string;
}

export interface SimulatedUserParts {
  readonly user: ScenarioUser;
  readonly model: string | Model;
  /** Those that provide models are used, and nothing else of them: a router has no business with the user. */
  readonly plugins: readonly Plugin[];
  readonly runner: Omit<RunnerOptions, "plugins" | "model">;
  readonly signal: AbortSignal;
}

const NAME = "User";

/** Has no `execute`: the run pauses there, and nothing more is asked. */
const endConversation = tool({
  name: "end_conversation",
  description: "Ends the conversation. Call it once the goal is reached, or is clearly not going to be.",
  parameters: {
    type: "object",
    properties: {
      reached: { type: "boolean", description: "Whether the goal is reached" },
      why: { type: "string", description: "What shows it, in one sentence" },
    },
    required: ["reached", "why"],
    additionalProperties: false,
  },
});

/** An agent that plays the user: it sees the conversation from the other side. */
export class SimulatedUser {
  readonly #agent;
  readonly #runner: Runner;
  readonly #signal: AbortSignal;

  constructor({ user, model, plugins, runner, signal }: SimulatedUserParts) {
    this.#agent = new Agent({
      name: NAME,
      model,
      instructions: [
        "You play a user who writes to an assistant. You are the user, never the assistant.",
        `Who you are: ${user.persona}`,
        `What you want: ${user.goal}`,
        "Write only your next message, in one or two sentences, as this user would. Tell what you know when you are asked.",
        "Call end_conversation once you have what you want, or when it is clear that you will not get it.",
      ].join("\n"),
      tools: [endConversation],
    });
    const providers = plugins.flatMap((plugin): Plugin[] =>
      plugin.model ? [{ name: plugin.name, model: (name) => plugin.model?.(name) }] : [],
    );
    this.#runner = new Runner({ ...runner, plugins: providers });
    this.#signal = signal;
  }

  /** What the user does after what was said. Rejects with what a run rejects with. */
  async next(said: readonly Said[]): Promise<UserTurn> {
    const input: InputItem[] = [
      { role: "user", content: "(The conversation is open. Write your first message.)" },
      ...said.flatMap(({ user, answer }, i): InputItem[] => [
        { type: "message", id: `said_${i}`, agent: NAME, role: "assistant", content: user },
        { role: "user", content: answer === "" ? "(There is no answer yet.)" : answer },
      ]),
    ];
    const result = await this.#runner.run(this.#agent, input, { signal: this.#signal });
    const [ended] = result.pending;
    if (ended) {
      const { reached, why } = ended.arguments as { readonly reached: boolean; readonly why: string };
      return { type: "end", reached, why };
    }
    return { type: "message", text: result.finalOutput ?? "" };
  }
}
