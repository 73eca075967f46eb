import type { JsonSchema } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { strictSchema } from "./strict.ts";

const schemaOf = (type: z.ZodType, io: "input" | "output" = "input"): JsonSchema => {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io }) as JsonSchema & { $schema?: string };
  return schema as JsonSchema;
};

describe("strictSchema()", () => {
  it("closes objects, requires every property, and keeps what strict mode knows", () => {
    const schema = schemaOf(
      z.object({
        amount: z.number().min(0).nullable(),
        urgency: z.enum(["low", "high"]).describe("How soon"),
        when: z.iso.datetime(),
        tags: z.array(z.string().min(2)).max(5),
        kind: z.literal("refund"),
      }),
    );
    expect(strictSchema(schema).schema).toMatchInlineSnapshot(`
      {
        "additionalProperties": false,
        "properties": {
          "amount": {
            "anyOf": [
              {
                "minimum": 0,
                "type": "number",
              },
              {
                "type": "null",
              },
            ],
          },
          "kind": {
            "const": "refund",
            "type": "string",
          },
          "tags": {
            "items": {
              "type": "string",
            },
            "maxItems": 5,
            "type": "array",
          },
          "urgency": {
            "description": "How soon",
            "enum": [
              "low",
              "high",
            ],
            "type": "string",
          },
          "when": {
            "format": "date-time",
            "pattern": "^(?:(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|(?:02)-(?:0[1-9]|1\\d|2[0-8])))T(?:(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?(?:Z))$",
            "type": "string",
          },
        },
        "required": [
          "amount",
          "urgency",
          "when",
          "tags",
          "kind",
        ],
        "type": "object",
      }
    `);
  });

  it("writes a choice of objects as anyOf", () => {
    const schema = schemaOf(
      z.object({
        shape: z.discriminatedUnion("type", [
          z.object({ type: z.literal("a"), n: z.number() }),
          z.object({ type: z.literal("b") }),
        ]),
      }),
    );
    expect(strictSchema(schema).schema).toMatchInlineSnapshot(`
      {
        "additionalProperties": false,
        "properties": {
          "shape": {
            "anyOf": [
              {
                "additionalProperties": false,
                "properties": {
                  "n": {
                    "type": "number",
                  },
                  "type": {
                    "const": "a",
                    "type": "string",
                  },
                },
                "required": [
                  "type",
                  "n",
                ],
                "type": "object",
              },
              {
                "additionalProperties": false,
                "properties": {
                  "type": {
                    "const": "b",
                    "type": "string",
                  },
                },
                "required": [
                  "type",
                ],
                "type": "object",
              },
            ],
          },
        },
        "required": [
          "shape",
        ],
        "type": "object",
      }
    `);
  });

  it("follows references, also to itself", () => {
    const Tree = z.object({
      name: z.string(),
      get children() {
        return z.array(Tree);
      },
    });
    expect(strictSchema(schemaOf(Tree)).schema).toMatchInlineSnapshot(`
      {
        "additionalProperties": false,
        "properties": {
          "children": {
            "items": {
              "$ref": "#",
            },
            "type": "array",
          },
          "name": {
            "type": "string",
          },
        },
        "required": [
          "name",
          "children",
        ],
        "type": "object",
      }
    `);
  });

  it("does not change the schema", () => {
    const schema = schemaOf(z.object({ a: z.object({ b: z.string() }) }));
    const before = JSON.stringify(schema);
    strictSchema(schema);
    expect(JSON.stringify(schema)).toBe(before);
  });

  it("gives the same object for the same schema", () => {
    const schema = schemaOf(z.object({ a: z.string() }));
    expect(strictSchema(schema)).toBe(strictSchema(schema));
  });

  const open = { type: "object" } as const;
  const cases: readonly (readonly [string, JsonSchema, string])[] = [
    [
      "a property that may be left out",
      schemaOf(z.object({ a: z.string(), b: z.object({ c: z.string().optional() }) })),
      '"b.c" may be left out; make it required and nullable',
    ],
    ["a record", schemaOf(z.object({ a: z.record(z.string(), z.number()) })), '"a" uses "propertyNames"'],
    ["a loose object", schemaOf(z.looseObject({ a: z.string() })), "it has properties of any name"],
    ["anything", schemaOf(z.object({ a: z.unknown() })), '"a" has no type'],
    ["a tuple", schemaOf(z.object({ a: z.tuple([z.string(), z.number()]) })), '"a" uses "prefixItems"'],
    ["an intersection", { ...open, properties: { a: { allOf: [open, open] } }, required: ["a"] }, '"a" uses "allOf"'],
    ["a union at the top", { ...open, anyOf: [open, open] }, "its top level is a union"],
    ["an object of which nothing is said", open, "it has properties of any name"],
    [
      "a list of anything",
      { ...open, properties: { a: { type: "array" } }, required: ["a"] },
      '"a" is a list of anything',
    ],
    ["a negation", { ...open, properties: { a: { not: { type: "string" } } }, required: ["a"] }, '"a" uses "not"'],
    ["a property that is always allowed", { ...open, properties: { a: true }, required: ["a"] }, '"a" allows anything'],
  ];
  for (const [what, schema, reason] of cases) {
    it(`refuses ${what}, with the reason`, () => {
      expect(strictSchema(schema)).toEqual({ reason });
    });
  }

  it("refuses what is nested too deep, has too many properties or too many choices", () => {
    let deep: Record<string, unknown> = { type: "string" };
    for (let i = 0; i < 12; i++) deep = { type: "object", properties: { a: deep }, required: ["a"] };
    expect(strictSchema(deep as JsonSchema).reason).toContain("nested more than 10 levels");
    const names = Array.from({ length: 5_001 }, (_, i) => `p${i}`);
    const wide = {
      ...open,
      properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
      required: names,
    };
    expect(strictSchema(wide).reason).toBe("it has more than 5000 properties");
    const choices = { ...open, properties: { a: { enum: names } }, required: ["a"] };
    expect(strictSchema(choices).reason).toBe("it has more than 1000 enum values");
  });
});
