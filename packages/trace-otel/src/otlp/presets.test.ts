import { secret } from "@batonjs/core/tracing";
import { describe, expect, it } from "vitest";
import {
  braintrust,
  datadog,
  honeycomb,
  langSmith,
  langfuse,
  otlpFromEnvironment,
  phoenix,
  sentry,
} from "./presets.ts";
import { otlp } from "./provider.ts";

const key = "key-0123456789";

describe("presets", () => {
  it.each([
    [
      langfuse({ publicKey: "pk-lf-1", secretKey: key }),
      "https://cloud.langfuse.com/api/public/otel/v1/traces",
      { authorization: `Basic ${btoa(`pk-lf-1:${key}`)}`, "x-langfuse-ingestion-version": "4" },
    ],
    [phoenix(), "http://localhost:6006/v1/traces", {}],
    [
      phoenix({ url: "https://app.phoenix.arize.com/s/me/", apiKey: secret(key) }),
      "https://app.phoenix.arize.com/s/me/v1/traces",
      { authorization: `Bearer ${key}` },
    ],
    [
      langSmith({ apiKey: secret(key), project: "desk" }),
      "https://api.smith.langchain.com/otel/v1/traces",
      { "x-api-key": key, "langsmith-project": "desk" },
    ],
    [
      braintrust({ apiKey: key, parent: "project_name:desk" }),
      "https://api.braintrust.dev/otel/v1/traces",
      { authorization: `Bearer ${key}`, "x-bt-parent": "project_name:desk" },
    ],
    [
      sentry({ dsn: `https://${key}@o1.ingest.sentry.io/42` }),
      "https://o1.ingest.sentry.io/api/42/integration/otlp/v1/traces",
      { "x-sentry-auth": `sentry sentry_key=${key}` },
    ],
    [
      datadog({ apiKey: key, site: "datadoghq.eu" }),
      "https://otlp.datadoghq.eu/v1/traces",
      { "dd-api-key": key, "dd-otlp-source": "llmobs" },
    ],
    [
      honeycomb({ apiKey: key, dataset: "desk" }),
      "https://api.honeycomb.io/v1/traces",
      { "x-honeycomb-team": key, "x-honeycomb-dataset": "desk" },
    ],
  ])("send to the backend's own place", async (options, url, headers) => {
    const sent: { url: string; headers: Record<string, string> }[] = [];
    const provider = otlp({
      ...options,
      fetch: async (to, init) => {
        const all = Object.fromEntries(new Headers(init?.headers).entries());
        sent.push({ url: to instanceof Request ? to.url : String(to), headers: all });
        return new Response();
      },
    });
    provider.getTracer("test").startSpan("x").end();
    await provider.shutdown();
    expect(sent).toEqual([{ url, headers: { "content-type": "application/x-protobuf", ...headers } }]);
  });

  it("say what is wrong with a DSN without showing it", () => {
    expect(() => sentry({ dsn: "canary" })).toThrow(/^Cannot use this dsn of sentry\(\): expected one like https:/);
  });
});

describe("otlpFromEnvironment()", () => {
  it("is nothing without an endpoint, or where OpenTelemetry is turned off", () => {
    expect(otlpFromEnvironment({})).toBeUndefined();
    const OTEL_EXPORTER_OTLP_ENDPOINT = "http://localhost:4318";
    expect(otlpFromEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: "true" })).toBeUndefined();
  });

  it("reads the variables of OpenTelemetry, those of traces first", () => {
    expect(
      otlpFromEnvironment({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318/",
        OTEL_EXPORTER_OTLP_HEADERS: "x-a=1, x-b=two%20words",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_SERVICE_NAME: "desk",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,broken",
      }),
    ).toEqual({
      url: "http://localhost:4318/v1/traces",
      headers: { "x-a": "1", "x-b": "two words" },
      protocol: "json",
      serviceName: "desk",
      resource: { "deployment.environment.name": "test" },
    });
    const own = otlpFromEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://one:4318",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://two:4318/v1/traces",
      OTEL_EXPORTER_OTLP_HEADERS: "x-a=1",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-a=2",
    });
    expect(own).toMatchObject({ url: "http://two:4318/v1/traces", headers: { "x-a": "2" }, protocol: "protobuf" });
  });
});
