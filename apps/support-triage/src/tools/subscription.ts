import type { DatabaseSync } from "node:sqlite";
import { one } from "../database.ts";

/** A customer's subscription with its plan. */
export interface Subscription {
  readonly id: string;
  readonly plan: string;
  readonly next_plan: string | null;
  readonly price_cents: number;
  readonly storage_gb: number;
  readonly status: "active" | "past_due" | "ending";
  readonly renews_on: string | null;
}

/** The customer's subscription, where there is one. */
export function subscriptionOf(db: DatabaseSync, customerId: string): Subscription | undefined {
  return one(db, "SELECT * FROM subscriptions JOIN plans ON plans.name = plan WHERE customer_id = ?", customerId);
}

/** `pro` → `Pro` */
export function title(plan: string): string {
  return plan.slice(0, 1).toUpperCase() + plan.slice(1);
}
