/** The next release, made in a copy of the repository: what `pnpm version-packages` and the publishing would bring. */
import { cpSync, existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { command, root } from "./command.ts";

/** A package as it would be released. */
export type Release = {
  readonly name: string;
  readonly before: string;
  readonly version: string;
  /** What `deno.json` says, for JSR. */
  readonly jsrVersion: string;
  readonly changelog: string;
  /** Whether a changeset names the package. */
  readonly named: boolean;
  /** Whether its sources differ from those of the version before; what was never released does. */
  readonly changed: boolean;
};

type Manifest = { readonly name: string; readonly version: string; readonly private?: boolean };

/**
 * Clones the last commit to `copy`, installs there, and gives versions and changelogs as a release would. What was built
 * in the repository is copied.
 */
export async function makeNextRelease(copy: string): Promise<Release[]> {
  await must("git", ["clone", "--quiet", root, copy], root);
  await must("pnpm", ["install", "--frozen-lockfile", "--prefer-offline", "--ignore-scripts"], copy);
  const before = publishable(copy);
  const named = namedByChangesets(copy);
  await must("changeset", ["version"], copy);
  await must("node", ["scripts/sync-versions.ts"], copy);
  const releases: Release[] = [];
  for (const [directory, { name, version }] of before) {
    const now = read<Manifest>(join(copy, directory, "package.json"));
    const changelog = join(copy, directory, "CHANGELOG.md");
    releases.push({
      name,
      before: version,
      version: now.version,
      jsrVersion: read<Manifest>(join(copy, directory, "deno.json")).version,
      changelog: existsSync(changelog) ? readFileSync(changelog, "utf8") : "",
      named: named.has(name),
      changed: await changedSince(`${name}@${version}`, directory, copy),
    });
    cpSync(join(root, directory, "dist"), join(copy, directory, "dist"), { recursive: true });
  }
  return releases;
}

/** What is wrong with a release, a sentence each. */
export function wrongRelease({ name, before, version, jsrVersion, changelog, named, changed }: Release): string[] {
  const wrong: string[] = [];
  if (jsrVersion !== version) wrong.push(`"${name}" is ${version} on npm and ${jsrVersion} on JSR`);
  if (changed && !named)
    wrong.push(`"${name}" has changed since ${before}, and no changeset names it: run pnpm changeset`);
  if (version !== before && !changelog.startsWith(`# ${name}\n\n## ${version}\n`))
    wrong.push(`"${name}": CHANGELOG.md does not begin with ${version}`);
  return wrong;
}

function publishable(folder: string): (readonly [directory: string, manifest: Manifest])[] {
  return globSync("packages/*/package.json", { cwd: folder })
    .toSorted()
    .map((file) => [dirname(file), read<Manifest>(join(folder, file))] as const)
    .filter(([, manifest]) => manifest.private !== true);
}

/** The packages that stand in the heads of the changesets. */
function namedByChangesets(folder: string): ReadonlySet<string> {
  const names = globSync(".changeset/*.md", { cwd: folder })
    .map((file) => readFileSync(join(folder, file), "utf8").split(/^---$/m)[1] ?? "")
    .flatMap((head) => [...head.matchAll(/^["']?(@batonjs\/[\w-]+)["']?:/gm)].map(([, name]) => name ?? ""));
  return new Set(names);
}

async function changedSince(tag: string, directory: string, cwd: string): Promise<boolean> {
  const released = await command("git", ["rev-parse", "--verify", "--quiet", `refs/tags/${tag}`], { cwd });
  if (!released.ok) return true;
  const same = await command("git", ["diff", "--quiet", tag, "HEAD", "--", `${directory}/src`], { cwd });
  return !same.ok;
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

async function must(name: string, args: readonly string[], cwd: string): Promise<void> {
  const { ok, output } = await command(name, args, { cwd });
  if (!ok) throw new Error(`Cannot make the next release: ${name} ${args.join(" ")} failed:\n${output}`);
}
