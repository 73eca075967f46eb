/**
 * What tracers share: which contents may be written, what never is, what model calls cost, and what a handoff passed on.
 * A program needs `secret()` of it, and `genaiPrices()` where costs are wanted.
 *
 * ```ts
 * import { Scrubber, secret } from "@batonjs/core/tracing";
 *
 * secret("a value that is secret");
 * new Scrubber().text("key: a value that is secret"); // "key: [redacted]"
 * ```
 *
 * @module
 */
export { type RedactRule, Scrubber, Secret, secret } from "./privacy.ts";
export { type Capture, captured, type CaptureKind } from "./capture.ts";
export { type CalcPrice, type Cost, CostMeter, genaiPrices, type PricedCall, type Prices } from "./cost.ts";
export { laneOf, type Passed, passedOn } from "./sight.ts";
