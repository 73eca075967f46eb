/** Where the known backends take spans: options for `otlp()`. */
import { checkKeys } from "@batonjs/core";
import { secret, Secret } from "@batonjs/core/tracing";
import type { Attributes } from "@opentelemetry/api";
import type { OtlpOptions } from "./provider.ts";

/** A key, as text or wrapped in `secret()`. */
type Key = string | Secret;
/** The key itself, which nothing traced will show. */
const plain = (key: Key): string => (key instanceof Secret ? key : secret(key)).reveal();

/** Langfuse: the keys of a project. `url` for another region or a server of your own. */
export function langfuse(options: {
  readonly publicKey: string;
  readonly secretKey: Key;
  readonly url?: string;
}): OtlpOptions {
  checkKeys(options, new Set(["publicKey", "secretKey", "url"]), "langfuse()");
  const { publicKey, secretKey, url = "https://cloud.langfuse.com" } = options;
  const authorization = `Basic ${btoa(`${publicKey}:${plain(secretKey)}`)}`;
  return {
    url: under(url, "/api/public/otel/v1/traces"),
    headers: { authorization, "x-langfuse-ingestion-version": "4" },
  };
}

/** Arize Phoenix: on this machine, or its cloud with a key. */
export function phoenix(
  options: { readonly url?: string; readonly apiKey?: Key; readonly project?: string } = {},
): OtlpOptions {
  checkKeys(options, new Set(["url", "apiKey", "project"]), "phoenix()");
  const { url = "http://localhost:6006", apiKey, project } = options;
  return {
    url: under(url, "/v1/traces"),
    ...(apiKey === undefined ? {} : { headers: { authorization: `Bearer ${plain(apiKey)}` } }),
    ...(project === undefined ? {} : { resource: { "openinference.project.name": project } }),
  };
}

/** LangSmith. */
export function langSmith(options: {
  readonly apiKey: Key;
  readonly project?: string;
  readonly url?: string;
}): OtlpOptions {
  checkKeys(options, new Set(["apiKey", "project", "url"]), "langSmith()");
  const { apiKey, project, url = "https://api.smith.langchain.com" } = options;
  const headers = { "x-api-key": apiKey, ...(project === undefined ? {} : { "langsmith-project": project }) };
  return { url: under(url, "/otel/v1/traces"), headers };
}

/** Braintrust. `parent` is `project_name:…`, `project_id:…` or `experiment_id:…`. */
export function braintrust(options: {
  readonly apiKey: Key;
  readonly parent: string;
  readonly url?: string;
}): OtlpOptions {
  checkKeys(options, new Set(["apiKey", "parent", "url"]), "braintrust()");
  const { apiKey, parent, url = "https://api.braintrust.dev" } = options;
  const headers = { authorization: `Bearer ${plain(apiKey)}`, "x-bt-parent": parent };
  return { url: under(url, "/otel/v1/traces"), headers };
}

/** Sentry: the DSN of a project. */
export function sentry(options: { readonly dsn: Key }): OtlpOptions {
  checkKeys(options, new Set(["dsn"]), "sentry()");
  const { dsn } = options;
  const { protocol, username, host, pathname } = parsedDsn(plain(dsn));
  const place = pathname.split("/");
  const project = place.pop();
  return {
    url: `${protocol}//${host}${place.join("/")}/api/${project}/integration/otlp/v1/traces`,
    headers: { "x-sentry-auth": `sentry sentry_key=${username}` },
  };
}

function parsedDsn(dsn: string): URL {
  try {
    const url = new URL(dsn);
    if (url.username !== "" && url.pathname.length > 1) return url;
  } catch {
    // Said below, without the key.
  }
  throw new TypeError("Cannot use this dsn of sentry(): expected one like https://key@o1.ingest.sentry.io/2");
}

/** Datadog's own intake for traces of models; without it, send to an agent: `otlp({ url: "http://localhost:4318" })`. */
export function datadog(options: {
  readonly apiKey: Key;
  readonly site?: string;
  readonly source?: string;
}): OtlpOptions {
  checkKeys(options, new Set(["apiKey", "site", "source"]), "datadog()");
  const { apiKey, site = "datadoghq.com", source = "llmobs" } = options;
  return {
    url: `https://otlp.${site}/v1/traces`,
    headers: { "dd-api-key": apiKey, "dd-otlp-source": source },
    protocol: "protobuf",
  };
}

/** Honeycomb; `url` for the EU. */
export function honeycomb(options: {
  readonly apiKey: Key;
  readonly dataset?: string;
  readonly url?: string;
}): OtlpOptions {
  checkKeys(options, new Set(["apiKey", "dataset", "url"]), "honeycomb()");
  const { apiKey, dataset, url = "https://api.honeycomb.io" } = options;
  const headers = { "x-honeycomb-team": apiKey, ...(dataset === undefined ? {} : { "x-honeycomb-dataset": dataset }) };
  return { url: under(url, "/v1/traces"), headers };
}

/**
 * What the variables of OpenTelemetry say (`OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`, `…_PROTOCOL`, their `TRACES`
 * forms, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`), or `undefined` where no endpoint is set.
 *
 * ```ts
 * const options = otlpFromEnvironment(process.env);
 * const tracing = options ? [otel({ tracerProvider: otlp(options) })] : [];
 * ```
 */
export function otlpFromEnvironment(env: Readonly<Record<string, string | undefined>>): OtlpOptions | undefined {
  const of = (name: string): string | undefined =>
    env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`] || undefined;
  const own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const base = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  const url = own || (base && under(base, "/v1/traces"));
  if (!url || env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return undefined;
  const headers = pairs(of("HEADERS"));
  const resource: Attributes = pairs(env["OTEL_RESOURCE_ATTRIBUTES"]);
  const serviceName = env["OTEL_SERVICE_NAME"];
  return {
    url,
    headers,
    resource,
    protocol: of("PROTOCOL") === "http/json" ? "json" : "protobuf",
    ...(serviceName ? { serviceName } : {}),
  };
}

/** `a=1,b=2`, percent-encoded. */
function pairs(text = ""): Record<string, string> {
  return Object.fromEntries(
    text.split(",").flatMap((pair) => {
      const cut = pair.indexOf("=");
      return cut > 0 ? [[pair.slice(0, cut).trim(), decoded(pair.slice(cut + 1).trim())]] : [];
    }),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const under = (url: string, path: string): string => `${url.replace(/\/+$/, "")}${path}`;
