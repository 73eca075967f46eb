/**
 * Makes the next release in a copy of the repository and installs it as users would; nothing is published. Versions,
 * changelogs and JSR's versions are those of `pnpm version-packages`, the tarballs those of `pnpm release`.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Check, eachAlone } from "../runtime-tests/alone.ts";
import { closingLine, command } from "./command.ts";
import { makeNextRelease, wrongRelease } from "./next-release.ts";
import { packPackages } from "./pack.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-release-"));
const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  for await (const check of checks()) report(check);
  console.log(`\n${closingLine(counts)}`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function* checks(): AsyncGenerator<Check> {
  yield { name: "build", ...(await command("turbo", ["run", "build", "--output-logs=errors-only"])) };
  const copy = join(folder, "repository");
  for (const release of await makeNextRelease(copy)) {
    const wrong = wrongRelease(release);
    yield { name: `${release.name} ${release.version}`, ok: wrong.length === 0, output: wrong.join("\n") };
  }
  const projects = join(folder, "projects");
  mkdirSync(projects);
  yield* eachAlone(projects, await packPackages(projects, copy));
}

function report({ name, ok, output }: Check): void {
  if (ok === undefined) counts.skipped += 1;
  else if (ok) counts.passed += 1;
  else counts.failed += 1;
  console.log(
    `${ok === undefined ? "skipped" : ok ? "ok    " : "FAILED"} ${name}${ok === undefined ? `: ${output}` : ""}`,
  );
  if (ok === false) console.log(output);
}
