/**
 * OpenTelemetry spans and metrics of runs, by the GenAI semantic conventions.
 *
 * @module
 */
export { type OtelOptions, type OtelPlugin, type OtelStats, otel } from "./otel.ts";
export { CONVENTIONS } from "./conventions.ts";
export { type CalcPrice, type Cost, type PricedCall, type Prices, genaiPrices } from "./shared/cost.ts";
export type { Capture, CaptureKind } from "./shared/capture.ts";
export { type RedactRule, Secret, secret } from "./shared/privacy.ts";
export { type OtlpOptions, type OtlpProvider, type OtlpStats, otlp } from "./otlp/provider.ts";
export {
  braintrust,
  datadog,
  honeycomb,
  langSmith,
  langfuse,
  otlpFromEnvironment,
  phoenix,
  sentry,
} from "./otlp/presets.ts";
