/** Example messages as lists by intent. */
import type { Examples } from "@batonjs/core";

/** The examples of one intent; without a name where they were given as one list. */
export interface ExampleList {
  readonly intent?: string;
  readonly texts: readonly string[];
}

/** The examples of a tool or handoff, by intent. */
export function exampleLists(examples: Examples | undefined): readonly ExampleList[] {
  if (examples === undefined) return [];
  if (isList(examples)) return [{ texts: examples }];
  return Object.entries(examples).map(([intent, texts]) => ({ intent, texts }));
}

const isList = (examples: Examples): examples is readonly string[] => Array.isArray(examples);
