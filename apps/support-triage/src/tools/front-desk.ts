/** What the Triage Agent can answer itself. */
import { tool } from "@batonjs/core";
import { z } from "zod";

const ANSWERS = {
  opening_hours:
    "We are here around the clock; a person is at the desk from Monday to Friday, 8 am to 8 pm Central European Time.",
  contact:
    "Please write to help@larkspur.example: a person answers within a working day, and is at the desk from Monday to Friday, 8 am to 8 pm Central European Time.",
  plans: "Larkspur has four plans: Free with 5 GB, Basic at $9.00, Pro at $29.00 and Team at $89.00 a month.",
  privacy: "Files are encrypted on your device before they are uploaded, and are stored in the European Union.",
} as const;

type Topic = keyof typeof ANSWERS;

export const aboutLarkspur = tool({
  name: "about_larkspur",
  description: "Answers general questions about Larkspur.",
  when: "opening hours, prices and privacy",
  notFor: "anything about the customer's own account, payments or devices",
  examples: [
    "what are your opening hours",
    "when are you open",
    "how can I reach you by email",
    "I want to talk to a human",
    "which plans do you offer",
    "how much is Pro",
    "where are my files stored, and are they encrypted",
  ],
  parameters: z.object({
    topic: z
      .enum(Object.keys(ANSWERS) as [Topic, ...Topic[]])
      .describe(
        "opening_hours: when someone is there; contact: mail, talking to a person or human; plans: prices and storage; privacy: where files are stored, encryption",
      ),
  }),
  sideEffects: "none",
  execute: ({ topic }) => ({ topic, message: ANSWERS[topic] }),
});
