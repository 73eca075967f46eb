// Bundles the worker as a deployment would and asks it once, in workerd.
import { build } from "esbuild";
import { Miniflare } from "miniflare";

const { outputFiles } = await build({
  entryPoints: ["worker.mjs"],
  bundle: true,
  write: false,
  format: "esm",
  platform: "neutral",
  conditions: ["workerd", "worker", "browser"],
  mainFields: ["module", "main"],
});
const worker = new Miniflare({
  modules: true,
  script: outputFiles[0].text,
  compatibilityDate: "2026-07-01",
  cf: false,
});
try {
  const response = await worker.dispatchFetch("http://localhost/");
  console.log(await response.text());
  if (!response.ok) process.exitCode = 1;
} finally {
  await worker.dispose();
}
