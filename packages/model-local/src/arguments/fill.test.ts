import type { Json, JsonSchema, ToolResultStatus, VisibleItem } from "@batonjs/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readConversation } from "../conversation.ts";
import { fieldsOf } from "./fields.ts";
import { fill } from "./fill.ts";

type Properties = Readonly<Record<string, unknown>>;

const object = (properties: Properties, required: readonly string[] = Object.keys(properties)): JsonSchema => ({
  type: "object",
  properties,
  required,
});
const text = { type: "string" };
const nullable = (schema: object): object => ({ anyOf: [schema, { type: "null" }] });

/** A conversation: what the user says, and calls with their results, in order. */
type Said =
  | string
  | { readonly tool: string; readonly with?: object; readonly result: unknown; readonly status?: ToolResultStatus };

function items(said: readonly Said[]): readonly VisibleItem[] {
  return said.flatMap((one, i): readonly VisibleItem[] => {
    const id = `i${i}`;
    if (typeof one === "string") return [{ id, type: "message", role: "user", content: one }];
    const call = {
      id,
      type: "tool_call",
      agent: "A",
      callId: id,
      name: one.tool,
      arguments: JSON.stringify(one.with ?? {}),
    } as const;
    const output = typeof one.result === "string" ? one.result : JSON.stringify(one.result);
    return [call, { id: `${id}r`, type: "tool_result", agent: "A", callId: id, output, status: one.status ?? "ok" }];
  });
}

interface Options {
  readonly tool?: string;
  readonly asked?: readonly string[];
  readonly guess?: boolean;
}

function filled(
  schema: JsonSchema,
  said: readonly Said[],
  { tool = "do_it", asked = [], guess = false }: Options = {},
) {
  const talk = readConversation(items(said));
  return fill(fieldsOf(schema), { talk, tool, asked, guess, today: { year: 2026, month: 11, day: 23 } });
}

const value = (
  property: unknown,
  said: readonly Said[],
  options: Options & { readonly name?: string } = {},
): Json | undefined =>
  filled(object({ [options.name ?? "field"]: property }), said, options).arguments[options.name ?? "field"];

describe("fill() reads from the message", () => {
  it.each<[name: string, schema: object, message: string, expected: Json | undefined]>([
    ["email", text, "I am Ana@Example.com", "ana@example.com"],
    ["contact", { type: "string", format: "email" }, "write to a@b.co", "a@b.co"],
    ["phoneNumber", text, "call 555-123-4567", "555-123-4567"],
    ["link", text, "see https://example.com/x.", "https://example.com/x"],
    ["amount", { type: "number" }, "refund $49.99", 49.99],
    ["amountCents", { type: "integer" }, "refund $49.99", 4999],
    ["amount", { type: "number" }, "I was charged twice", undefined],
    ["amount", { type: "number", maximum: 10 }, "$50 or $5", 5],
    ["currency", text, "49 dollars", "USD"],
    ["currency", { type: "string", enum: ["EUR", "USD"] }, "pay in USD", "USD"],
    ["seats", { type: "integer" }, "add 3 seats on 2026-11-03", 3],
    ["guests", { type: "integer" }, "a table for four", 4],
    ["quantity", { type: "integer" }, "order ch_12", undefined],
    ["date", text, "it was on November 3rd", "2026-11-03"],
    ["dueDate", { type: "string", format: "date" }, "by tomorrow", "2026-11-24"],
    ["startsAt", { type: "string", format: "date-time" }, "yesterday", "2026-11-22T00:00:00Z"],
    ["month", { type: "string", pattern: "^\\d{4}-\\d{2}$" }, "the invoice for October", "2026-10"],
    ["since", { type: "string", format: "date" }, "charges last month", "2026-10-01"],
    ["until", { type: "string", format: "date" }, "charges last month", "2026-10-31"],
    ["chargeId", { type: "string", pattern: "^ch_\\d+$" }, "refund ch_12 please", "ch_12"],
    ["chargeId", { type: "string", pattern: "^ch_\\d+$" }, "refund CH_12!", "ch_12"],
    ["chargeId", { type: "string", pattern: "^ch_\\d+$" }, "refund inv_12", undefined],
    ["invoiceId", { type: "string", description: "Such as INV-1001" }, "order 77, invoice INV-9", "INV-9"],
    ["orderId", text, "where is order 1234?", "1234"],
    ["orderNumber", text, "where is order number A-1234?", "A-1234"],
    ["customerId", text, "invoice INV-7 of cus_42", "cus_42"],
    ["customerId", text, "where is invoice INV-7?", undefined],
    ["orderId", { type: "integer" }, "where is order #1234?", 1234],
    ["enabled", { type: "boolean" }, "turn on two-factor", true],
    ["enabled", { type: "boolean" }, "please switch two-factor off", false],
    ["express", { type: "boolean" }, "send it by express", true],
    ["express", { type: "boolean" }, "do not send it by express", false],
    ["name", text, "Hi, my name is Ana Silva", "Ana Silva"],
    ["username", text, "my username is bob_7 and I forgot it", "bob_7"],
    ["plan", text, "change my plan to premium please", "premium"],
    ["city", text, "a flight to New York tomorrow", "New York"],
    ["origin", text, "from Lisbon to Porto", "Lisbon"],
    ["title", text, 'the book "Dune"', 'The book "Dune"'],
    ["query", text, "Hello, why is export slow?", "why is export slow?"],
    ["subject", text, "Export is slow. It takes an hour.", "Export is slow"],
    ["reason", { type: "string", maxLength: 10 }, "because I do not want it", "because I "],
    ["color", text, "something nice", undefined],
  ])("%s %j in %j: %j", (name, schema, message, expected) => {
    expect(value(schema, [message], { name })).toEqual(expected);
  });

  it.each<[schema: object, message: string, expected: Json | undefined]>([
    [{ enum: ["duplicate_charge", "refund_request", "invoice", "other"] }, "I was charged twice", "duplicate_charge"],
    [{ enum: ["duplicate_charge", "refund_request", "invoice", "other"] }, "I want a refund", "refund_request"],
    [{ enum: ["duplicate_charge", "refund_request", "invoice", "other"] }, "what is this?", "other"],
    [{ enum: ["low", "normal", "high"] }, "this is urgent!", "high"],
    [{ enum: ["low", "normal", "high"] }, "no rush at all", "low"],
    [{ enum: ["low", "normal", "high"] }, "not urgent, whenever you can", "low"],
    [{ enum: ["low", "normal", "high"] }, "my invoice", "normal"],
    [{ enum: ["red", "blue"] }, "the blue one", "blue"],
    [{ enum: ["red", "blue"] }, "red or blue", undefined],
    [{ enum: ["red", "blue"] }, "any", undefined],
    [{ enum: [1, 2, 3] }, "2 please", 2],
    [{ enum: ["May", "June"] }, "May I have it?", undefined],
    [{ enum: ["May", "June"] }, "the one for May", "May"],
    [
      {
        enum: ["opening_hours", "contact"],
        description: "opening_hours: when someone is there; contact: mail, telephone",
      },
      "your telephone?",
      "contact",
    ],
    [
      {
        oneOf: [
          { const: "a", title: "Monthly plan" },
          { const: "b", title: "Yearly plan" },
        ],
      },
      "the yearly one",
      "b",
    ],
    [{ type: ["string", "null"], enum: ["red", "blue", null] }, "any", null],
  ])("%j in %j: %j", (schema, message, expected) => {
    expect(value(schema, [message])).toEqual(expected);
  });
});

describe("fill() follows the schema", () => {
  it("gives null, presets and constants, and leaves out what is optional", () => {
    const schema = object(
      {
        amount: nullable({ type: "number" }),
        limit: { type: "integer", default: 10 },
        kind: { const: "refund" },
        note: text,
        page: { type: "integer" },
      },
      ["amount", "limit", "kind"],
    );
    expect(filled(schema, ["hi"]).arguments).toEqual({ amount: null, limit: 10, kind: "refund" });
    expect(filled(schema, ["I was charged 2 times, $5"]).arguments).toMatchObject({ amount: 5, limit: 10 });
  });

  it("follows references, and fills lists and objects", () => {
    const schema: JsonSchema = {
      ...object({
        who: { $ref: "#/$defs/person" },
        ids: { type: "array", items: { type: "string", pattern: "^t_\\d+$" } },
        topics: { type: "array", items: { enum: ["sync", "crash", "login"] } },
      }),
      $defs: { person: object({ email: { type: "string", format: "email" }, phone: nullable(text) }) },
    };
    expect(filled(schema, ["t_1 and t_2 of a@b.co: sync fails, then a crash"]).arguments).toEqual({
      who: { email: "a@b.co", phone: null },
      ids: ["t_1", "t_2"],
      topics: ["sync", "crash"],
    });
  });

  it("says what is missing, and guesses only where it may", () => {
    const schema = object({
      email: { type: "string", format: "email" },
      color: { enum: ["red", "blue"] },
      gift: { type: "boolean" },
    });
    expect(filled(schema, ["hello"]).missing.map(({ name }) => name)).toEqual(["email", "color", "gift"]);
    expect(filled(schema, ["hello"], { guess: true })).toMatchObject({ arguments: { color: "red", gift: false } });
  });

  it("takes the whole answer for what was asked", () => {
    expect(value(text, ["where do you live?", "It's green."], { name: "color", asked: ["color"] })).toBe("green");
    expect(value({ type: "boolean" }, ["yes"], { name: "gift", asked: ["gift"] })).toBe(true);
    expect(value({ type: "number" }, ["42"], { name: "amount", asked: ["amount"] })).toBe(42);
    expect(value(text, ["7788"], { name: "orderId", asked: ["orderId"] })).toBe("7788");
  });
});

describe("fill() reads from what was found out", () => {
  const charges = {
    charges: [
      { id: "ch_1", amount: 49.99, description: "Pro plan", date: "2026-10-03", customerId: "cus_1" },
      { id: "ch_2", amount: 49.99, description: "Pro plan", date: "2026-10-04", customerId: "cus_1" },
      { id: "ch_3", amount: 9, description: "Extra seat", date: "2026-10-09", customerId: "cus_1" },
    ],
  };
  const chargeId = { type: "string" };
  const refund = { name: "chargeId", tool: "refund_charge" };

  it.each<[says: string, expected: string | undefined]>([
    ["I was charged twice", "ch_2"],
    ["refund the extra seat", "ch_3"],
    ["refund the $9", "ch_3"],
    ["refund what I paid on October 9", "ch_3"],
    ["refund the latest one", "ch_3"],
    ["refund the first one", "ch_1"],
    ["refund ch_1", "ch_1"],
    ["refund $49.99", undefined],
    ["refund me", undefined],
  ])("%j means %s", (says, expected) => {
    const said = [says, { tool: "list_charges", with: { customerId: "cus_1" }, result: charges }];
    expect(value(chargeId, said, refund)).toBe(expected);
    if (expected === undefined) expect(filled(object({ chargeId }), said, refund).unclear?.records).toHaveLength(3);
  });

  it.each<[name: string, tool: string, said: readonly Said[], expected: Json | undefined]>([
    ["customerId", "list_charges", ["hi", { tool: "find_customer", result: { id: "cus_1", name: "Ana" } }], "cus_1"],
    ["customerId", "list_charges", ["hi", { tool: "find_customer", result: { customer: { id: "cus_1" } } }], "cus_1"],
    ["customerId", "list_charges", ["hi", { tool: "list_charges", result: charges }], "cus_1"],
    ["customer_id", "x", ["hi", { tool: "transfer_to_billing", with: { customerId: "cus_9" }, result: "ok" }], "cus_9"],
    ["id", "get_invoice", ["hi", { tool: "list_invoices", result: [{ id: "in_1" }] }], "in_1"],
    ["ticketId", "close_ticket", ["hi", { tool: "create_ticket", result: { id: "t_1" } }], "t_1"],
    ["ticketId", "close_ticket", ["hi", { tool: "create_ticket", result: { id: "t_1" }, status: "error" }], undefined],
    ["ticketId", "close_ticket", ["hi", { tool: "find_customer", result: { id: "cus_1" } }], undefined],
    ["customerEmail", "x", ["hi", { tool: "find_customer", result: { id: "cus_1", email: "a@b.co" } }], "a@b.co"],
    ["email", "x", ["I am a@b.co", "reset it"], "a@b.co"],
    ["email", "x", ["I am a@b.co", "no, use c@d.co"], "c@d.co"],
  ])("%s for %s", (name, tool, said, expected) => {
    expect(value(text, said, { name, tool })).toEqual(expected);
  });

  it("finds an id by its form, whatever it belongs to", () => {
    const pattern = { type: "string", pattern: "^ch_\\d+$" };
    const said = ["refund it", { tool: "find_duplicates", result: { pairs: [[{ id: "ch_8" }]] } }];
    expect(value(pattern, said, refund)).toBe("ch_8");
  });

  // Seen: "refund me the $500 charge" was refused, and "refund ch_1043" was called with $500 again.
  it.each<[says: string, expected: object]>([
    ["then refund ch_1043", { chargeId: "ch_1043", reason: null }],
    ["and the one of October?", { chargeId: "ch_9", reason: null }],
    ["yes, do it", { chargeId: "ch_9", amountNamed: 500, reason: "duplicate" }],
    ["yes please", { chargeId: "ch_9", amountNamed: 500, reason: "duplicate" }],
  ])("keeps what an earlier call was given for %j where the message says nothing else", (says, expected) => {
    const schema = object(
      {
        chargeId: { type: "string", pattern: "^ch_\\d+$" },
        amountNamed: { type: "number" },
        reason: { enum: ["duplicate", "unwanted", null] },
      },
      ["chargeId", "reason"],
    );
    const given = { chargeId: "ch_9", amountNamed: 500, reason: "duplicate" };
    for (const status of ["ok", "error", "denied"] as const) {
      const said = ["refund me the $500 charge", { tool: "refund_charge", with: given, result: "no", status }, says];
      expect(filled(schema, said, refund).arguments).toEqual(expected);
    }
  });

  it("keeps for a yes what the latest call was given, not the one before", () => {
    const schema = object({ chargeId: text, amountNamed: { type: "number" } }, ["chargeId"]);
    const call = (given: object): Said => ({ tool: "refund_charge", with: given, result: "no", status: "denied" });
    const said = [
      "refund $500",
      call({ chargeId: "ch_1", amountNamed: 500 }),
      "refund ch_2",
      call({ chargeId: "ch_2" }),
    ];
    expect(filled(schema, [...said, "yes please"], refund).arguments).toEqual({ chargeId: "ch_2" });
  });

  it("takes from a payload what is still true, and nothing for another record", () => {
    const schema = object({ chargeId: text, amount: { type: "number" } }, ["chargeId"]);
    const handed = { tool: "transfer_to_billing", with: { amount: 29 }, result: "ok" };
    expect(filled(schema, ["refund ch_1", handed], refund).arguments).toEqual({ chargeId: "ch_1", amount: 29 });
    expect(filled(schema, ["hi", handed, "refund ch_1"], refund).arguments).toEqual({ chargeId: "ch_1" });
  });

  it("does not fill what is optional from whatever a result holds", () => {
    const schema = object({ amount: { type: "number" }, description: text }, []);
    expect(filled(schema, ["ok", { tool: "list_charges", result: charges }]).arguments).toEqual({});
  });
});

describe("fill() on anything", () => {
  it("never throws, and what it fills has the type that was asked for", () => {
    const kinds = fc.constantFrom<object>(
      text,
      { type: "number" },
      { type: "integer", minimum: 1 },
      { type: "boolean" },
      { type: "string", enum: ["a", "b"] },
      nullable({ type: "number" }),
      { type: "array", items: text },
      { type: "string", format: "date" },
    );
    const names = fc.oneof(
      fc.string(),
      fc.constantFrom("amount", "customerId", "query", "date", "__proto__", "email", "constructor"),
    );
    fc.assert(
      fc.property(
        fc.dictionary(names, kinds),
        fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }),
        fc.boolean(),
        (properties, said, guess) => {
          const schema = object(properties);
          const { arguments: values, missing } = filled(schema, said, { guess });
          for (const field of fieldsOf(schema)) {
            const given = Object.hasOwn(values, field.name);
            expect(given).toBe(!missing.some(({ name }) => name === field.name));
            const found = values[field.name];
            if (given && found !== null)
              expect(Array.isArray(found) ? "array" : typeof found).toBe(
                field.type === "integer" ? "number" : field.type,
              );
          }
          expect(() => JSON.stringify(values)).not.toThrow();
        },
      ),
    );
  });

  it("takes schemas that make no sense", () => {
    for (const property of [
      true,
      null,
      7,
      {},
      { $ref: "#/nowhere" },
      { $ref: "#" },
      { anyOf: [] },
      { enum: [] },
      { type: "string", pattern: "(" },
      { allOf: [{ $ref: "#" }] },
    ]) {
      expect(() => filled(object({ field: property }), ["hello"])).not.toThrow();
    }
    expect(filled({ type: "object" }, ["hello"]).arguments).toEqual({});
  });
});
