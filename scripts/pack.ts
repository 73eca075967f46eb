/** Packs the publishable packages as they would be published, for everything that looks at tarballs. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { command, root } from "./command.ts";

/** A packed package. */
export type Tarball = { readonly name: string; readonly path: string };

/** Packs every package of `repository` that is not private into `destination`; the packages have to be built. */
export async function packPackages(destination: string, repository: string = root): Promise<Tarball[]> {
  const tarballs: Tarball[] = [];
  for (const file of globSync("packages/*/package.json", { cwd: repository }).toSorted()) {
    const manifest = JSON.parse(readFileSync(join(repository, file), "utf8")) as { name: string; private?: boolean };
    if (manifest.private) continue;
    const path = join(destination, `${manifest.name.replace("@", "").replace("/", "-")}.tgz`);
    const { ok, output } = await command("pnpm", ["pack", "--out", path], { cwd: join(repository, dirname(file)) });
    if (!ok) throw new Error(`Cannot pack ${manifest.name}:\n${output}`);
    tarballs.push({ name: manifest.name, path });
  }
  return tarballs;
}
