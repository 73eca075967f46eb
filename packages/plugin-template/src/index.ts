/**
 * Three plugins to begin your own with: keep one, delete the others.
 *
 * @module
 */
export { FileStore, fileSessions } from "./store/file-store.ts";
export { acme, type AcmeOptions } from "./model/acme.ts";
export { httpTrace, type HttpTraceOptions, type HttpTracePlugin } from "./tracer/http-trace.ts";
