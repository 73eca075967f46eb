/** One span, however it was recorded. */
export interface TracedSpan {
  readonly id: string;
  readonly parentId?: string | undefined;
  readonly name: string;
  /** Whether it ended as an error. */
  readonly failed?: boolean;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** What `spanTree` shows. */
export interface SpanTreeOptions {
  /** Attributes to show behind the name, where a span has them. */
  readonly attributes?: readonly string[];
  /** Spans to leave out, with all below them. */
  readonly without?: (span: TracedSpan) => boolean;
}

/**
 * Spans as lines, children indented under their parents in the order in which they are given: for inline snapshots. A
 * span whose parent is not among them is a root.
 *
 * ```
 * invoke_workflow Triage Agent
 *   invoke_agent Triage Agent
 *     chat scripted
 * ```
 */
export function spanTree(spans: readonly TracedSpan[], options: SpanTreeOptions = {}): string[] {
  const ids = new Set(spans.map(({ id }) => id));
  const below = Map.groupBy(spans, ({ parentId }) => (parentId !== undefined && ids.has(parentId) ? parentId : ""));
  const lines: string[] = [];
  const add = (parent: string, depth: number): void => {
    for (const span of below.get(parent) ?? []) {
      if (options.without?.(span)) continue;
      lines.push("  ".repeat(depth) + lineOf(span, options.attributes ?? []));
      add(span.id, depth + 1);
    }
  };
  add("", 0);
  return lines;
}

function lineOf({ name, failed, attributes = {} }: TracedSpan, shown: readonly string[]): string {
  const values = shown
    .filter((key) => attributes[key] !== undefined)
    .map((key) => `${key.slice(key.lastIndexOf(".") + 1)}=${JSON.stringify(attributes[key])}`);
  return [name, ...(failed ? ["(failed)"] : []), ...values].join(" ");
}
