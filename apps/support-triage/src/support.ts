/** What every tool of the help desk is given, and who it works for. */
import type { ToolContext } from "@batonjs/core";
import type { DatabaseSync } from "node:sqlite";
import { one } from "./database.ts";

/** The run's context: the database, and the customer who is signed in. No model and no store ever sees it. */
export interface Support {
  readonly db: DatabaseSync;
  readonly customerId: string;
  /** Milliseconds that the bank takes over a refund. @default 0 */
  readonly bankMs?: number;
}

/** A row of `customers`. */
export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly pending_email: string | null;
  readonly joined_on: string;
  readonly two_factor: 0 | 1;
  readonly locked: 0 | 1;
  readonly staff_note: string | null;
}

/** The customer who is signed in, where there is one of that id. */
export function customerOf({ db, customerId }: Support): Customer | undefined {
  return one<Customer>(db, "SELECT * FROM customers WHERE id = ?", customerId);
}

/** A tool's answer: data for a model that reasons, and a sentence for the customer. */
export interface Answer {
  readonly message: string;
  readonly [field: string]: unknown;
}

type Execute<Args> = (args: Args, run: ToolContext<Support>) => Answer | Promise<Answer>;

/** The body of a tool that needs a customer; one who is not in the records is told so. */
export function signedIn<Args>(
  work: (args: Args, customer: Customer, run: ToolContext<Support>) => Answer | Promise<Answer>,
): Execute<Args> {
  return (args, run) => {
    const customer = customerOf(run.context);
    return customer ? work(args, customer, run) : unknownCustomer(run.context.customerId);
  };
}

function unknownCustomer(customerId: string): Answer {
  return {
    found: false,
    message: `I cannot find a customer ${customerId.slice(0, 40)} in our records, so there is nothing I can look up or change. Please sign in again, or write to help@larkspur.example from the address of your account.`,
  };
}

/** `a`, `a and b`, `a, b and c` */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
