import { hostileArguments, hostileArgumentsSchema, hostileResults } from "@batonjs/testing/corpus";
import { arbitraries } from "@batonjs/testing/arbitraries";
import { type } from "arktype";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type AnySchema,
  check,
  type Checked,
  checkJson,
  jsonSchemaOf,
  MAX_ARGUMENTS_LENGTH,
  MAX_JSON_DEPTH,
  NO_PARAMETERS,
  objectSchemaOf,
  parseArguments,
  toJson,
} from "./schema.ts";

const standard = (more: Record<string, unknown>): AnySchema =>
  ({
    "~standard": { version: 1, vendor: "test", jsonSchema: { input: () => ({ type: "object" }) }, ...more },
  }) as never;
const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("jsonSchemaOf()", () => {
  it("writes schemas of zod and arktype as JSON Schema, without $schema", () => {
    const written = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
    expect(jsonSchemaOf(z.object({ id: z.string() }), "a test")).toMatchObject(written);
    expect(jsonSchemaOf(type({ id: "string" }), "a test")).toMatchObject(written);
    expect(jsonSchemaOf(z.object({}), "a test")).not.toHaveProperty("$schema");
  });

  it("writes what goes in, where a schema changes it", () => {
    const schema = z.object({ n: z.string().transform(Number), unit: z.string().default("EUR") });
    expect(jsonSchemaOf(schema, "a test")).toMatchObject({
      properties: { n: { type: "string" }, unit: { type: "string", default: "EUR" } },
      required: ["n"],
    });
  });

  it("gives a raw JSON Schema as it is", () => {
    expect(jsonSchemaOf(NO_PARAMETERS, "a test")).toBe(NO_PARAMETERS);
  });

  it("says which library cannot write its schemas, and what to do", () => {
    expect(() => jsonSchemaOf(standard({ jsonSchema: undefined }), 'tool "x"')).toThrow(
      'Cannot use the schema of tool "x": "test" does not write it as JSON Schema; wrap it with the library\'s Standard JSON Schema converter or pass a JSON Schema',
    );
  });

  it("says what cannot be written", () => {
    const throwing = (): never => {
      throw new Error("no dates");
    };
    expect(() => jsonSchemaOf(standard({ jsonSchema: { input: throwing } }), 'tool "x"')).toThrow(
      'Cannot write the schema of tool "x" as JSON Schema: no dates',
    );
    expect(() => jsonSchemaOf(z.object({ at: z.date() }), 'tool "x"')).toThrow(TypeError);
  });

  it("refuses what is no schema", () => {
    for (const value of ["text", 5, true, null, undefined, Symbol("x")]) {
      expect(() => jsonSchemaOf(value as never, 'tool "x"')).toThrow(
        /^Cannot use \w+ as the schema of tool "x": expected/,
      );
    }
  });

  it("refuses an object of schemas, which is no schema, and names the first of them", () => {
    for (const field of [z.string(), type("string")]) {
      expect(() => jsonSchemaOf({ order: field } as never, 'tool "x"')).toThrow(
        'Cannot use the schema of tool "x": its "order" is a schema by itself; make one of the whole object, as z.object({ … }) does',
      );
    }
    expect(() => jsonSchemaOf({ type: "object", default: null, properties: {} }, 'tool "x"')).not.toThrow();
  });

  it("objectSchemaOf() takes objects and unions of objects, and nothing else", () => {
    const union = z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("a") }),
      z.object({ kind: z.literal("b") }),
    ]);
    for (const schema of [z.object({}), union, NO_PARAMETERS]) expect(() => objectSchemaOf(schema, "x")).not.toThrow();
    expect(() => objectSchemaOf(z.string(), 'tool "x"')).toThrow(
      'Cannot use the schema of tool "x": arguments are an object, and it is the schema of "string"',
    );
    expect(() => objectSchemaOf(z.array(z.string()), 'tool "x"')).toThrow(TypeError);
  });
});

describe("check()", () => {
  it("gives the value that the schema made", () => {
    expect(check(z.object({ n: z.coerce.number() }), { n: "3" })).toEqual({ value: { n: 3 } });
    expect(check(type({ n: "string.numeric.parse" }), { n: "3" })).toEqual({ value: { n: 3 } });
  });

  it("says where and what is wrong, in one sentence", () => {
    const schema = z.object({ user: z.object({ ids: z.array(z.number()) }), x: z.string() });
    expect(check(schema, { user: { ids: [1, "2"] } })).toEqual({
      error: expect.stringMatching(/^user\.ids\.1: .*; x: .*$/),
    });
    expect(check(type({ n: "number" }), {})).toEqual({ error: expect.stringContaining("n") });
  });

  const outcomes: readonly (readonly [string, unknown, Checked])[] = [
    [
      "issues with keys as objects",
      { issues: [{ message: "no", path: [{ key: "a" }, 0, Symbol("s")] }] },
      { error: "a.0.Symbol(s): no" },
    ],
    ["issues without a path", { issues: [{ message: "no" }, { message: "never", path: [] }] }, { error: "no; never" }],
    ["no issues", { value: 1, issues: undefined }, { value: 1 }],
    ["an empty list of issues", { issues: [] }, { error: "" }],
  ];
  for (const [what, outcome, checked] of outcomes) {
    it(`takes ${what}, now or later`, async () => {
      expect(check(standard({ validate: () => outcome }), 1)).toEqual(checked);
      expect(await check(standard({ validate: () => Promise.resolve(outcome) }), 1)).toEqual(checked);
    });
  }

  it("waits for a thenable, instead of taking it for a yes", async () => {
    const thenable = { then: (go: (outcome: unknown) => void) => go({ issues: [{ message: "no" }] }) };
    expect(await check(standard({ validate: () => thenable }), 1)).toEqual({ error: "no" });
  });

  it("never throws: whatever a schema throws or gives is an error", async () => {
    const thrown: readonly unknown[] = [new Error("broken"), "broken", null];
    for (const value of thrown) {
      const throwing = standard({
        validate: () => {
          throw value;
        },
      });
      expect(await check(throwing, 1)).toHaveProperty("error");
      const rejecting = standard({ validate: () => Promise.reject(value as Error) });
      expect(await check(rejecting, 1)).toHaveProperty("error");
    }
    for (const value of [undefined, null, 5, { issues: 5 }, { issues: [null] }]) {
      expect(await check(standard({ validate: () => value }), 1), JSON.stringify(value)).toHaveProperty("error");
      expect(await check(standard({ validate: () => Promise.resolve(value) }), 1)).toHaveProperty("error");
    }
  });

  it("never throws for a raw schema either, however deep the value and the schema", () => {
    const circle: Record<string, unknown> = {};
    circle["items"] = circle;
    const value: unknown = JSON.parse(deep(20_000));
    expect(check(circle as never, value)).toHaveProperty("error");
    expect(check({ type: "object", properties: { x: { enum: ["a"] } } }, { x: value })).toHaveProperty("error");
    expect(check({ type: "object", properties: { x: { const: [] } } }, { x: value })).toHaveProperty("error");
  });
});

describe("checkJson()", () => {
  const rows: readonly (readonly [schema: unknown, value: unknown, problem: string | undefined])[] = [
    [true, 1, undefined],
    [false, 1, "nothing is allowed here"],
    [{}, 1, undefined],
    [undefined, 1, undefined],
    [{ type: "string" }, "x", undefined],
    [{ type: "string" }, 1, "expected string, received number"],
    [{ type: "object" }, null, "expected object, received null"],
    [{ type: "object" }, [], "expected object, received array"],
    [{ type: "array" }, {}, "expected array, received object"],
    [{ type: ["string", "null"] }, null, undefined],
    [{ type: ["string", "null"] }, 1, "expected string or null, received number"],
    [{ type: "integer" }, 1, undefined],
    [{ type: "integer" }, 1.5, "expected integer, received number"],
    [{ type: ["integer", "string"] }, "1", undefined],
    [{ enum: ["a", 1, null, { x: 1 }] }, { x: 1 }, undefined],
    [{ enum: ["a", 1] }, "1", 'expected one of "a", 1'],
    [{ const: 0 }, 0, undefined],
    [{ const: null }, null, undefined],
    [{ const: "a" }, "b", 'expected "a"'],
    [{ minimum: 1, maximum: 2 }, 1, undefined],
    [{ minimum: 1 }, 0, "expected a value of at least 1"],
    [{ maximum: 2 }, 3, "expected a value of at most 2"],
    [{ minimum: 1 }, "text", undefined],
    [{ minLength: 2 }, "a", "expected a length of at least 2"],
    [{ maxLength: 2 }, "abc", "expected a length of at most 2"],
    [{ minItems: 1 }, [], "expected a number of items of at least 1"],
    [{ maxItems: 1 }, [1, 2], "expected a number of items of at most 1"],
    [{ items: { type: "number" } }, [1, 2], undefined],
    [{ items: { type: "number" } }, [1, "2"], "[1]: expected number, received string"],
    [{ items: false }, [1], "[0]: nothing is allowed here"],
    [{ items: false }, [], undefined],
    [{ required: ["a"] }, {}, "a: is required"],
    [{ required: ["toString"] }, {}, "toString: is required"],
    [{ required: ["a"] }, { a: undefined }, undefined],
    [{ properties: { a: { type: "number" } } }, { a: 1, b: 2 }, undefined],
    [{ properties: { a: { type: "number" } } }, { a: "1" }, "a: expected number, received string"],
    [
      { properties: { a: { properties: { b: { items: { type: "number" } } } } } },
      { a: { b: ["1"] } },
      "a.b[0]: expected number, received string",
    ],
    [{ additionalProperties: false }, { a: 1 }, "a: is not a known field"],
    [{ properties: { a: true }, additionalProperties: false }, { a: 1 }, undefined],
    [{ additionalProperties: { type: "number" } }, { a: "1" }, "a: expected number, received string"],
    [{ properties: {}, additionalProperties: false }, JSON.parse('{"__proto__":1}'), "__proto__: is not a known field"],
    [{ properties: {} }, { toString: 1 }, undefined],
    [{ properties: { constructor: { type: "number" } } }, {}, undefined],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }, 1, undefined],
    [
      { anyOf: [{ type: "string" }, { type: "number" }] },
      null,
      "expected string, received null, or expected number, received null",
    ],
    [{ oneOf: [{ type: "string" }] }, 1, "expected string, received number"],
    [{ anyOf: [{ type: "number" }], oneOf: [{ const: 2 }] }, 1, "expected 2"],
    [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, 3, "expected a value of at most 2"],
    [{ allOf: [{ minimum: 1 }], maximum: 2 }, 2, undefined],
    [{ pattern: "^a", format: "email" }, "b", undefined],
  ];
  for (const [schema, value, problem] of rows) {
    it(`says ${problem ?? "nothing"} of ${JSON.stringify(value)} by ${JSON.stringify(schema)}`, () => {
      expect(checkJson(schema, value, "")).toBe(problem);
    });
  }

  it("takes whatever any JSON Schema of zod takes, for what zod takes", () => {
    const schema = z.object({
      name: z.string().min(1).max(5),
      age: z.number().int().min(0).optional(),
      tags: z.array(z.enum(["a", "b"])).max(2),
      either: z.union([z.string(), z.null()]),
    });
    const raw = jsonSchemaOf(schema, "a test");
    const values = fc.record({
      name: fc.string({ maxLength: 7 }),
      age: fc.oneof(fc.integer({ min: -1, max: 3 }), fc.constant(1.5)),
      tags: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 3 }),
      either: fc.constantFrom("x", null, 1),
    });
    fc.assert(
      fc.property(values, (value) => {
        expect(checkJson(raw, value, "") === undefined).toBe(schema.safeParse(value).success);
      }),
    );
  });
});

describe("parseArguments()", () => {
  for (const { number, what, value, expected } of hostileArguments) {
    it(`${what} (C1 ${number}) is ${expected === "error" ? "an error" : expected === "execute" ? "taken" : "an error or taken"}`, async () => {
      const zod = z.object({ n: z.number().optional(), s: z.string().optional() });
      for (const schema of [hostileArgumentsSchema, zod]) {
        const checked = await parseArguments(schema, value as string);
        if (expected !== "either") expect(checked.error === undefined).toBe(expected === "execute");
        if (checked.error !== undefined) expect(checked.error.length).toBeLessThan(2_000);
        expect(({} as { x?: unknown }).x).toBeUndefined();
      }
    });
  }

  it("says in a sentence what is wrong", async () => {
    const schema = z.object({ n: z.number() });
    expect(await parseArguments(schema, "[]")).toEqual({ error: "The arguments must be a JSON object, not array" });
    expect(await parseArguments(schema, "{")).toEqual({
      error: expect.stringMatching(/^The arguments are not JSON: /),
    });
    expect(await parseArguments(schema, 5 as never)).toEqual({
      error: "The arguments must be a JSON text, not number",
    });
    expect(await parseArguments(schema, "{}")).toEqual({ error: expect.stringMatching(/^Invalid arguments: n: /) });
  });

  it("reads texts of a length up to its limit", () => {
    const text = (length: number): string => `{"s":"${"x".repeat(length - 8)}"}`;
    expect(text(MAX_ARGUMENTS_LENGTH)).toHaveLength(MAX_ARGUMENTS_LENGTH);
    expect(parseArguments(hostileArgumentsSchema, text(MAX_ARGUMENTS_LENGTH))).toHaveProperty("value");
    expect(parseArguments(hostileArgumentsSchema, text(MAX_ARGUMENTS_LENGTH + 1))).toEqual({
      error: "The arguments are 1000001 characters long; at most 1000000 are read",
    });
  });

  it("takes any object where nothing is asked for, and gives nothing of it", () => {
    for (const text of ["{}", '{"a":1}', " {} "])
      expect(parseArguments(NO_PARAMETERS, text)).toEqual({ value: undefined });
    expect(parseArguments(NO_PARAMETERS, "[]")).toHaveProperty("error");
  });

  it("lists nested 20 000 deep end in an answer, whatever the schema", async () => {
    const text = `{"deep":${deep(20_000)}}`;
    const lists: z.ZodType = z.lazy(() => z.array(lists));
    const schemas: AnySchema[] = [
      hostileArgumentsSchema,
      { type: "object", properties: { deep: { items: { items: { items: true } } } } },
      { type: "object", properties: { deep: { enum: [1] } } },
      z.object({ deep: lists }),
      z.looseObject({}),
      type({ "deep?": "unknown" }),
    ];
    for (const schema of schemas) {
      const checked = await parseArguments(schema, text);
      expect(checked.error === undefined ? "taken" : typeof checked.error).toMatch(/taken|string/);
    }
  });
});

describe("toJson()", () => {
  it("gives any JSON back as it is", () => {
    fc.assert(
      fc.property(arbitraries.json(), (value) => {
        expect(toJson(value)).toEqual(value);
      }),
    );
  });

  it("never throws, whatever it is given", () => {
    for (const { value } of hostileResults) {
      const json = toJson(value);
      expect(JSON.stringify(json) === undefined).toBe(json === undefined);
    }
    expect([toJson(undefined), toJson(() => 1), toJson(10n), toJson(Symbol("x"))]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("makes texts and keys well-formed", () => {
    expect(toJson({ "x\ud83d": ["y\ude00", "😀", "\\ud83d"] })).toEqual({ "x\ufffd": ["y\ufffd", "😀", "\\ud83d"] });
  });

  it("keeps __proto__ as a key", () => {
    const value = JSON.parse('{"__proto__":{"x":1}}') as object;
    expect(JSON.stringify(toJson(value))).toBe('{"__proto__":{"x":1}}');
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it("is bounded in depth", () => {
    expect(toJson(JSON.parse(deep(MAX_JSON_DEPTH)))).toBeDefined();
    expect(toJson(JSON.parse(deep(MAX_JSON_DEPTH + 1)))).toBeUndefined();
    expect(toJson(JSON.parse(deep(20_000)))).toBeUndefined();
  });
});
