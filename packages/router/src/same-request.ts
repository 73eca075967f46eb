import { type ModelRequest, sameJson, type ToolCallItem, type VisibleItem } from "@batonjs/core";

/**
 * Whether `asked` asks what `foreseen`, a handoff's preview, asks: the same agent, the same words and tools. Ids, times
 * and what a provider added to the call of the handoff differ by nature; so does the reasoning that led to that call,
 * which is its model's own.
 */
export function isSameRequest(foreseen: ModelRequest, asked: ModelRequest): boolean {
  return (
    foreseen.at.agent === asked.at.agent &&
    foreseen.instructions === asked.instructions &&
    sameJson(foreseen.at.path, asked.at.path) &&
    sameJson(foreseen.tools, asked.tools) &&
    sameJson(foreseen.handoffs, asked.handoffs) &&
    sameJson(foreseen.output, asked.output) &&
    sameJson(foreseen.settings, asked.settings) &&
    sameItems(foreseen.items, asked.items)
  );
}

function sameItems(foreseen: readonly VisibleItem[], asked: readonly VisibleItem[]): boolean {
  const names = new Map<string, string>(); // call ids of the one → of the other
  let at = 0;
  for (const item of foreseen) {
    while (isNewCall(item) && asked[at]?.type === "reasoning" && asked[at]?.agent === item.agent) at += 1;
    const other = asked[at];
    if (!other || !sameItem(item, other, names)) return false;
    at += 1;
  }
  return at === asked.length;
}

/** The call that the preview has put in. */
const isNewCall = (item: VisibleItem): item is ToolCallItem => item.type === "tool_call" && item.callId === "preview";

function sameItem(a: VisibleItem, b: VisibleItem, names: Map<string, string>): boolean {
  if (a === b) return true;
  if (a.type === "tool_call" && b.type === "tool_call" && isNewCall(a)) {
    names.set(a.callId, b.callId);
    return a.name === b.name && a.agent === b.agent && sameArguments(a.arguments, b.arguments);
  }
  return sameJson(plain(a, names), plain(b));
}

function plain(item: VisibleItem, names?: ReadonlyMap<string, string>): object {
  const { id: _id, at: _at, path: _path, ...rest } = item;
  return "callId" in rest ? { ...rest, callId: names?.get(rest.callId) ?? rest.callId } : rest;
}

/** Whether two argument texts say the same. */
export function sameArguments(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return sameJson(JSON.parse(a), JSON.parse(b));
  } catch {
    return false;
  }
}
