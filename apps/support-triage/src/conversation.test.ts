import { type Item, type Model, Runner, memorySessions } from "@batonjs/core";
import { local } from "@batonjs/model-local";
import { describe, expect, it } from "vitest";
import { createDesk } from "./agents.ts";
import { Conversation, type Decide } from "./conversation.ts";
import { all, openDatabase } from "./database.ts";

const approving: Decide = async () => ({ approved: true });
const deciding: Decide = async () => undefined;

/** Conversations that share a session store and a database, as processes that come one after the other do. */
function place() {
  const support = { db: openDatabase(), customerId: "cus_1001" };
  const runner = new Runner({ plugins: [local(), memorySessions()] });
  const open = (decide: Decide, model: string | Model = "local"): Conversation =>
    new Conversation({
      runner,
      desk: createDesk({ triage: model, specialist: model }),
      session: "chat",
      support,
      decide,
      onEvent: () => {},
    });
  const refunds = (): number => all(support.db, "SELECT * FROM refunds WHERE charge_id = 'ch_1043'").length;
  return { open, refunds };
}

const ofType = <T extends Item["type"]>(items: readonly Item[], type: T): readonly Extract<Item, { type: T }>[] =>
  items.filter((item): item is Extract<Item, { type: T }> => item.type === type);

describe("Conversation", () => {
  it("goes on in another process with a decision that was left open", async () => {
    const { open, refunds } = place();
    expect(await open(deciding).say("please refund ch_1043")).toMatchObject({
      status: "paused",
      agent: "Billing Agent",
    });
    expect(refunds()).toBe(0);
    expect(await open(approving).resume()).toMatchObject({ status: "completed", text: expect.stringMatching(/^Done/) });
    expect(refunds()).toBe(1);
  });

  it("withdraws a decision that is open when the customer goes on", async () => {
    const { open, refunds } = place();
    await open(deciding).say("please refund ch_1043");
    const later = open(approving);
    expect(await later.say("which card do you have on file?")).toMatchObject({ text: expect.stringMatching(/4242/) });
    expect(ofType(await later.items(), "tool_result").map(({ status }) => status)).toContain("denied");
    expect(refunds()).toBe(0);
  });

  it("stays with the specialist in another process", async () => {
    const { open } = place();
    await open(approving).say("I need an invoice for October");
    const later = open(approving);
    expect(await later.say("when is my next payment?")).toMatchObject({ agent: "Billing Agent" });
    expect(ofType(await later.items(), "handoff")).toHaveLength(1);
  });

  it("tells triage the note of the staff once, at the beginning", async () => {
    const { open } = place();
    const conversation = open(approving);
    await conversation.say("hello");
    conversation.leaveNote("is on a train");
    await conversation.say("hello again");
    const notes = ofType(await conversation.items(), "message").filter(({ role }) => role === "system");
    expect(notes.map(({ content }) => content)).toEqual([
      expect.stringMatching(/^\[INTERNAL\] Asked twice/),
      "[INTERNAL] is on a train",
    ]);
  });

  it("stops when it is told to, and goes on with the next message", async () => {
    const { open } = place();
    const controller = new AbortController();
    const slow: Model = {
      name: "slow",
      provider: "test",
      async *stream({ signal }) {
        yield { type: "text_delta", delta: "Just a " };
        controller.abort(new Error("Ctrl-C"));
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
      },
    };
    await expect(open(approving, slow).say("hello", controller.signal)).rejects.toMatchObject({ code: "aborted" });
    expect(await open(approving).say("hello")).toMatchObject({ text: expect.stringMatching(/^Hello!/) });
  });
});
