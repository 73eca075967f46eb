/**
 * OpenTelemetry spans and metrics of runs, by the GenAI semantic conventions.
 *
 * @module
 */
export { type OtelOptions, type OtelPlugin, type OtelStats, otel } from "./otel.ts";
export { CONVENTIONS } from "./conventions.ts";
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
