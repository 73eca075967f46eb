/** Conversations as data. */
import type { JsonObject, Model, Schema } from "@batonjs/core";
import type { AgentName, Cost } from "../expectations.ts";

/** A conversation, and what is expected of it. The user is played by `turns`, by `user`, or by one after the other. */
export interface Scenario {
  /** Says what should happen. No two scenarios of a run have the same. */
  readonly name: string;
  /** What the user says, in order. */
  readonly turns?: readonly ScenarioTurn[];
  /** A model that plays the user, after `turns`. */
  readonly user?: ScenarioUser;
  /** What a person says to calls that need approval, where the turn does not say. */
  readonly approve?: Decisions;
  /** Of the whole conversation. */
  readonly expect?: EndExpectations;
  /** For `setup`: which customer it is, and the like. Shown to no model. */
  readonly data?: JsonObject;
  /** How often it is played. @default the option `repeat` */
  readonly repeat?: number;
  /** The share of its runs that must pass, from 0 to 1. @default the option `minPassRate` */
  readonly minPassRate?: number;
  /** The file it was read from. */
  readonly file?: string;
  /** Where it begins in the file, from 1. */
  readonly line?: number;
}

/** One message of the user, and what must follow from it. */
export interface ScenarioTurn {
  readonly user: string;
  readonly expect?: TurnExpectations;
  /** What a person says to calls that need approval. A call that nobody decides on stays open. */
  readonly approve?: Decisions;
}

/** Yes or no to every call, or by the name of the tool or handoff. */
export type Decisions = boolean | Readonly<Record<string, Decision>>;

/** Yes or no, and for the agent the reason. */
export type Decision = boolean | { readonly approved: boolean; readonly reason?: string };

/** What is expected of a turn. What is left out may be anything. */
export interface TurnExpectations {
  /** Who answers, or waits for a decision. */
  readonly agent?: AgentName;
  /** Whom control is handed to, with what; of the payload only the fields named are compared. */
  readonly handsOffTo?: OneOrMore<AgentName | { readonly agent: AgentName; readonly payload?: unknown }>;
  /** Through which agents control goes, exactly, beginning with who gets the message. */
  readonly path?: readonly AgentName[];
  /** The only agent that has control. */
  readonly staysWith?: AgentName;
  /** Tools that are called; of the arguments only the fields named are compared. */
  readonly calls?: OneOrMore<ExpectedCall>;
  /** Tools that are not called, or not with such arguments. */
  readonly callsNot?: OneOrMore<ExpectedCall>;
  /** Whether a decision is asked for, or about which tool or handoff, also where `approve` then gives it. */
  readonly needsApproval?: boolean | OneOrMore<string>;
  /** What the answer contains, a regular expression that finds it, or a schema that accepts it. */
  readonly answer?: OneOrMore<string | RegExp | Schema>;
  /** What the answer does not contain. */
  readonly answerNot?: OneOrMore<string | RegExp | Schema>;
  /** What it costs at most, nested runs included. `usd` needs the option `price`. */
  readonly cost?: Omit<Cost, "price">;
}

/** What is expected of a whole conversation: all turns together, and the last answer. */
export interface EndExpectations extends TurnExpectations {
  /** Whether the model that plays the user reaches its goal. @default {true} */
  readonly goalReached?: boolean;
}

/** A tool by its name, with arguments. */
export type ExpectedCall = string | { readonly tool: string; readonly args?: unknown };

export type OneOrMore<Value> = Value | readonly Value[];

/** A user that a model plays. */
export interface ScenarioUser {
  /** Who the user is and how they write. */
  readonly persona: string;
  /** What they want. The conversation ends when they say that they have it, or that they cannot get it. */
  readonly goal: string;
  /** Messages at most. One more is a failure. @default {8} */
  readonly maxTurns?: number;
  /** @default the option `userModel` */
  readonly model?: string | Model;
}
