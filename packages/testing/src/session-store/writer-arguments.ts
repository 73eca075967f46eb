import type { Item, Json, SessionKey } from "@batonjs/core";

/** What a writing process is given as its one argument, as JSON. */
export interface WriterArguments {
  readonly module: string;
  readonly config: Json;
  readonly key: SessionKey;
  readonly name: string;
}

/** The items that the operation `opId` appends: between one and three. */
export function operationItems(opId: string): Item[] {
  const count = 1 + (Number(opId.split(" ")[1]) % 3);
  return Array.from({ length: count }, (_, at) => ({
    type: "message",
    id: `${opId}#${at}`,
    role: "user",
    content: `${opId} ${"x".repeat(200)}`,
  }));
}
