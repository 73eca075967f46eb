/** Models and tools that run inside of their span. */
import { type Context, context as contexts } from "@opentelemetry/api";
import type { AnyFunctionTool, Model, ModelEvent, ModelRequest, ToolContext } from "@batonjs/core";

/** Runs `work` with `context` active. A context manager that fails is left out. */
export function inside<T>(context: Context, work: () => T): T {
  let begun = false;
  try {
    return contexts.with(context, () => {
      begun = true;
      return work();
    });
  } catch (error) {
    if (begun) throw error;
    return work();
  }
}

/** A model whose every step runs inside of the span that `find` knows for the request. */
export function tracedModel(model: Model, find: (request: ModelRequest) => Context | undefined): Model {
  return {
    get name() {
      return model.name;
    },
    get provider() {
      return model.provider;
    },
    stream(request) {
      const context = find(request);
      return context ? steps(model, request, context) : model.stream(request);
    },
  };
}

/** An async generator runs in the context of whoever asks for its next step: each step is asked for inside. */
function steps(model: Model, request: ModelRequest, context: Context): AsyncIterable<ModelEvent> {
  return {
    [Symbol.asyncIterator]() {
      const inner = inside(context, () => model.stream(request)[Symbol.asyncIterator]());
      return {
        next: () => inside(context, () => inner.next()),
        return: (value?: unknown) =>
          inside(context, () => inner.return?.(value) ?? Promise.resolve({ done: true as const, value })),
      };
    },
  };
}

/** A tool whose functions run inside of the span that `find` knows for the call. */
export function tracedTool(tool: AnyFunctionTool, find: (call: ToolContext) => Context | undefined): AnyFunctionTool {
  const { execute, verify } = tool;
  if (!execute && !verify) return tool;
  const wrap =
    <T>(body: (args: never, call: ToolContext<never>) => T) =>
    (args: never, call: ToolContext<never>): T => {
      const context = find(call as ToolContext);
      return context ? inside(context, () => body.call(tool, args, call)) : body.call(tool, args, call);
    };
  return Object.freeze({
    ...tool,
    ...(execute ? { execute: wrap(execute) } : {}),
    ...(verify ? { verify: wrap(verify) } : {}),
  });
}
