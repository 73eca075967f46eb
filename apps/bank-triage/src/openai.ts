/** The real model, loaded only where it is asked for. */
import type { Plugin } from "@batonjs/core";
import { UsageError } from "./usage-error.ts";

/** The plugin for `model`, such as `openai/gpt-4o-mini`. */
export async function openAI(model: string): Promise<Plugin> {
  if (!process.env["OPENAI_API_KEY"] && !process.env["OPENAI_BASE_URL"])
    throw new UsageError(
      `Cannot ask ${model}: set OPENAI_API_KEY to your key, or OPENAI_BASE_URL to a server that speaks the same protocol; without --model the embedded model answers`,
    );
  const { openai } = await import("@batonjs/model-openai");
  return openai();
}

/** `model` as it can be used. Throws a `UsageError` for anything else. */
export function modelName(model: string): string {
  if (model === "local" || /^openai\/\S+$/.test(model)) return model;
  throw new UsageError(`Cannot use "${model}" as --model: write local, or openai/ and a model's name`);
}
