import type { RoutingCriteria } from "./contracts/model.ts";
import { quote } from "./names.ts";

/** What the value of an option may be, in the words of an error message. */
export interface Rule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}
/** A rule for each option, so that one that is misspelt is told apart. */
export type Rules<Options> = { readonly [K in keyof Required<Options>]: Rule };

const isText = (value: unknown): value is string => typeof value === "string";
const isFlag = (value: unknown): boolean => typeof value === "boolean";
const isFunction = (value: unknown): boolean => typeof value === "function";
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

function isGuardrail(value: unknown): boolean {
  return isObject(value) && "name" in value && isText(value.name) && "check" in value && isFunction(value.check);
}

const rule = (expected: string, accepts: (value: unknown) => boolean): Rule => ({ expected, accepts });
/** Checked elsewhere. */
export const anything: Rule = rule("", () => true);
export const text: Rule = rule("a text", isText);
export const flag: Rule = rule("true or false", isFlag);
export const callback: Rule = rule("a function", isFunction);
export const textOrCallback: Rule = rule("a text or a function", (value) => isText(value) || isFunction(value));
export const flagOrCallback: Rule = rule("true, false or a function", (value) => isFlag(value) || isFunction(value));
export const record: Rule = rule("an object", (value) => isObject(value) && !Array.isArray(value));
export const list: Rule = rule("a list", Array.isArray);
export const model: Rule = rule("a name or an object with a stream() method", (value) => {
  return isText(value) || (isObject(value) && "stream" in value && isFunction(value.stream));
});
export const guardrails: Rule = rule("a list of { name, check }", (value) => {
  return Array.isArray(value) && value.every(isGuardrail);
});
export const oneOf = (...values: readonly [string, string, string]): Rule =>
  rule(`"${values[0]}", "${values[1]}" or "${values[2]}"`, (value) => values.includes(value as string));

/** When to take a tool or handoff. */
export const criteriaRules: Rules<RoutingCriteria> = {
  when: text,
  notFor: text,
  examples: rule("a list of texts, or lists of texts by intent", (value) => {
    return isTexts(value) || (isObject(value) && !Array.isArray(value) && Object.values(value).every(isTexts));
  }),
};

/** Throws a `TypeError` for an option that is not known, and for one that is not what it must be. */
export function checkOptions<Options>(options: Options, rules: Rules<Options>, what: string): void {
  if (!isObject(options))
    throw new TypeError(`Cannot make ${what} of ${quote(options)}: expected an object of options`);
  for (const key of Object.keys(options) as (keyof Options & string)[]) {
    if (!Object.hasOwn(rules, key)) {
      throw new TypeError(
        `Cannot use option ${quote(key)} of ${what}: known options are ${Object.keys(rules).join(", ")}`,
      );
    }
    const value: unknown = options[key];
    const { expected, accepts } = rules[key];
    if (value === undefined || accepts(value)) continue;
    throw new TypeError(`Cannot use ${quote(value)} as ${key} of ${what}: expected ${expected}`);
  }
}

/** Throws a `TypeError` for an option of `what` that is not known: one that is misspelt would do nothing. For plugins. */
export function checkKeys(options: object, known: ReadonlySet<string>, what: string): void {
  for (const key in options) {
    if (!known.has(key))
      throw new TypeError(`Cannot use option ${quote(key)} of ${what}: known options are ${[...known].join(", ")}`);
  }
}
