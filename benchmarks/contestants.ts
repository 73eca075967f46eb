/** Who takes part: the module that runs its scenarios, and what a user imports of it. */
export interface Entry {
  readonly id: string;
  /** As the table calls it. */
  readonly title: string;
  readonly module: string;
  /** Name of the contestant in its module. @default "contestant" */
  readonly export?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What a program of agents, tools and handoffs imports. The packages are looked up beside this file. */
  readonly imports?: readonly (readonly [specifier: string, names: readonly string[]])[];
  /** Left out unless it is named by `--only`. */
  readonly extra?: true;
}

export const FLOOR = "bare-plus";
/** Core as it is published: the compiler's output. */
export const CORE = "../packages/core/dist/index.js";

export const ENTRIES: readonly Entry[] = [
  { id: "bare", title: "bare", module: "./contestants/bare.ts" },
  { id: FLOOR, title: "bare-plus", module: "./contestants/bare-plus.ts" },
  {
    id: "baton",
    title: "Baton",
    module: "./contestants/baton.ts",
    imports: [[CORE, ["Agent", "run", "handoff"]]],
  },
  { id: "baton-streamed", title: "Baton, all events read", module: "./contestants/baton.ts", export: "streamed" },
  {
    id: "baton-acting",
    title: "Baton, tools that act",
    module: "./contestants/baton.ts",
    export: "acting",
    extra: true,
  },
  { id: "fetch", title: "fetch", module: "./contestants/over-http.ts" },
  { id: "openai-client", title: "openai client", module: "./contestants/over-http.ts", export: "client" },
  {
    id: "openai-agents",
    title: "@openai/agents",
    module: "./contestants/openai-agents.ts",
    imports: [["@openai/agents", ["Agent", "run", "handoff"]]],
  },
  {
    id: "ai",
    title: "ai",
    module: "./contestants/ai-sdk.ts",
    imports: [["ai", ["generateText", "tool", "stepCountIs"]]],
  },
  {
    id: "langgraph-swarm",
    title: "LangGraph swarm",
    module: "./contestants/langgraph-swarm.ts",
    imports: [
      ["@langchain/langgraph/prebuilt", ["createReactAgent"]],
      ["@langchain/langgraph-swarm", ["createSwarm", "createHandoffTool"]],
    ],
  },
  {
    id: "mastra",
    title: "Mastra",
    module: "./contestants/mastra.ts",
    imports: [
      ["@mastra/core/agent", ["Agent"]],
      ["@mastra/core/tools", ["createTool"]],
    ],
  },
  {
    id: "tanstack-ai",
    title: "TanStack AI",
    module: "./contestants/tanstack-ai.ts",
    imports: [["@tanstack/ai", ["chat", "toolDefinition", "maxIterations"]]],
  },
];
