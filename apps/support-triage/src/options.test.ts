import { describe, expect, it } from "vitest";
import { UsageError, readOptions } from "./options.ts";

describe("readOptions()", () => {
  it("asks for nothing by default", () => {
    expect(readOptions([])).toMatchObject({
      message: undefined,
      triageModel: "local",
      specialistModel: "local",
      store: "memory",
      customer: "cus_1001",
      db: ":memory:",
      approve: undefined,
      json: false,
    });
  });

  it("takes the words beside the flags as the message", () => {
    expect(readOptions(["I was", "--json", "charged", "twice"])).toMatchObject({
      message: "I was charged twice",
      json: true,
    });
    expect(readOptions(["--", "--json"])).toMatchObject({ message: undefined, json: true });
    expect(readOptions(["-"])).toMatchObject({ message: "-" });
    expect(readOptions([""])).toMatchObject({ message: "" });
  });

  it("gives --model to all agents, unless they have their own", () => {
    expect(readOptions(["--model", "openai/gpt-4o", "--triage-model=openai/gpt-4o-mini"])).toMatchObject({
      triageModel: "openai/gpt-4o-mini",
      specialistModel: "openai/gpt-4o",
    });
  });

  it("takes a cheap model for triage and a stronger one for the specialists where only openai is said", () => {
    expect(readOptions(["--model", "openai"])).toMatchObject({
      triageModel: "openai/gpt-4o-mini",
      specialistModel: "openai/gpt-4o",
    });
    expect(readOptions(["--specialist-model", "openai", "--api", "chat"])).toMatchObject({
      triageModel: "local",
      specialistModel: "openai/gpt-4o",
      api: "chat",
    });
  });

  it.each([
    [["--modle", "local"], "Cannot use --modle: there is no such flag; did you mean --model?"],
    [["--frobnicate"], "Cannot use --frobnicate: there is no such flag; --help lists them"],
    [["-x"], "Cannot use -x: there is no such flag; --help lists them"],
    [["--model"], "Cannot use --model without a value; --help shows how"],
    [["--model", "--json"], "Cannot use --model without a value; --help shows how"],
    [["--db="], "Cannot use --db without a value; --help shows how"],
    [["--json=yes"], "Cannot use --json=yes: --json takes no value"],
    [["--model", "gpt-4o"], 'Cannot use "gpt-4o" as a model: write local, openai, or openai/ and a model\'s name'],
    [["--model", "openai/"], 'Cannot use "openai/" as a model: write local, openai, or openai/ and a model\'s name'],
    [["--store", "mongo"], 'Cannot use "mongo" as --store: write memory, sqlite:FILE, postgres:URL or redis:URL'],
    [["--api", "soap"], 'Cannot use "soap" as --api: write responses or chat'],
    [["--bank-seconds", "soon"], 'Cannot use "soon" as --bank-seconds: write a number of seconds'],
    [["--approve", "maybe"], 'Cannot use "maybe" as --approve: write all, none or ask'],
  ])("says what is wrong with %j", (args, message) => {
    expect(() => readOptions(args)).toThrow(new UsageError(message));
  });
});
