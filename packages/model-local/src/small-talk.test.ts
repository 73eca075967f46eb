import { describe, expect, it } from "vitest";
import { smallTalk, withoutGreeting } from "./small-talk.ts";

describe("smallTalk()", () => {
  it.each([
    ["greeting", ["hi", "Hello there!", "good morning", "Hey, how are you?", "HI"]],
    ["thanks", ["thanks", "Thank you so much!", "great, thanks", "ok thx"]],
    ["goodbye", ["bye", "Great, that's all. Bye!", "thanks, that's all", "have a nice day", "goodbye and thanks"]],
    ["about", ["who are you?", "are you a human?", "Hello, is this a bot?"]],
    ["help", ["help", "what can you do?", "Hi, can you help me?", "I need help"]],
    ["yes", ["yes", "ok", "yes please", "Sure, go ahead.", "yes, do it", "Yes, please do that for me now"]],
    ["no", ["no", "nope", "no thanks"]],
    ["stop", ["never mind", "forget it"]],
    ["empty", ["", "  ", "?!…", "👍"]],
  ])("finds %s", (kind, messages) => {
    expect(messages.map((message) => [message, smallTalk(message)])).toEqual(
      messages.map((message) => [message, kind]),
    );
  });

  it.each([
    "hi, I was charged twice",
    "thanks! and now my app crashes",
    "history of my payments",
    "what are your opening hours?",
    "goodbye gift cards",
    "can you help me with my invoice",
    "yes, refund the second one",
    "yes, the second one",
    "yes, 2",
    "no, the other charge",
    "never mind the invoice, refund me",
    "are you able to refund my last payment to the other card",
    "你好，我被扣了两次款",
  ])("is nothing for %j", (message) => {
    expect(smallTalk(message)).toBeUndefined();
  });
});

describe("withoutGreeting()", () => {
  it.each([
    ["Hi there, my app crashes", "my app crashes"],
    ["Good morning! Hope you're well. I need a refund", "I need a refund"],
    ["Thanks! And another thing", "And another thing"],
    ["history", "history"],
  ])("of %j is %j", (text, rest) => {
    expect(withoutGreeting(text)).toBe(rest);
  });
});
