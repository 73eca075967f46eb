import { describe, expect, it } from "vitest";
import type { Driver, Query } from "./drivers.ts";
import { ForeignTables } from "./failures.ts";
import { migrate, tableNames, type Tables } from "./layouts.ts";

const TABLES = tableNames('a"b"', 'p"_');
const LAYOUT = '"a""b"""."p""_layout"';
const MIGRATIONS = [(tables: Tables) => `TO 1: ${tables.items}`, (tables: Tables) => `TO 2: ${tables.leases}`];
const failure = (code: string): Error => Object.assign(new Error("from the server"), { code });

/** What `migrate()` asks of a database where the layout is so at first, and so in the transaction. */
async function asked(
  layouts: readonly (number | string | undefined | Error)[],
  { schema = false, tables = TABLES }: { readonly schema?: boolean; readonly tables?: Tables } = {},
): Promise<unknown[]> {
  const done: unknown[] = [];
  const found = [...layouts];
  const queryIn =
    (indent: string): Query =>
    async (text, values) => {
      done.push(indent + [text, ...(values ?? [])].join(" | "));
      if (text.startsWith("SELECT to_regnamespace")) return [[schema]];
      if (!text.startsWith("SELECT layout")) return [];
      const layout = found.shift();
      if (layout instanceof Error) throw layout;
      return layout === undefined ? [] : [[layout]];
    };
  const driver: Driver = {
    query: queryIn(""),
    transaction: async (body) => body(queryIn("  ")),
    close: () => expect.unreachable(),
  };
  await migrate(driver, tables, MIGRATIONS);
  return done;
}

describe("tableNames()", () => {
  it("quotes the schema, and each table with its prefix", () => {
    expect(TABLES).toEqual({
      schema: '"a""b"""',
      layout: LAYOUT,
      sessions: '"a""b"""."p""_sessions"',
      items: '"a""b"""."p""_items"',
      appends: '"a""b"""."p""_appends"',
      leases: '"a""b"""."p""_leases"',
    });
  });
});

describe("migrate()", () => {
  it("asks for the layout only, where it is the newest", async () => {
    expect(await asked([2])).toEqual([`SELECT layout FROM ${LAYOUT}`]);
    expect(await asked(["2"])).toHaveLength(1);
  });

  it("makes what is not there, under a lock that all releases take, in one transaction", async () => {
    const lines = await asked([failure("3F000"), undefined]);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "SELECT layout FROM "a""b"""."p""_layout"
        SELECT pg_advisory_xact_lock($1::bigint) | -5894362646645165926
        SELECT to_regnamespace($1) IS NOT NULL | "a""b"""
        CREATE SCHEMA "a""b"""
        CREATE TABLE IF NOT EXISTS "a""b"""."p""_layout" (layout integer NOT NULL)
        SELECT layout FROM "a""b"""."p""_layout"
        TO 1: "a""b"""."p""_items"
        TO 2: "a""b"""."p""_leases"
        DELETE FROM "a""b"""."p""_layout"
        INSERT INTO "a""b"""."p""_layout" VALUES (2)"
    `);
    for (const first of [failure("42P01"), undefined, 0]) expect(await asked([first, undefined])).toEqual(lines);
    // A role that may not create schemas can do with one that is there.
    const there = await asked([failure("42P01"), undefined], { schema: true });
    expect(there).toEqual(lines.filter((line) => line !== '  CREATE SCHEMA "a""b"""'));
  });

  it("takes another lock for other tables", async () => {
    const lockOf = async (tables: Tables): Promise<unknown> => (await asked([0, 0], { tables }))[1];
    const locks = await Promise.all(
      [TABLES, tableNames("a", "p"), tableNames("a", "q"), tableNames("b", "p")].map(lockOf),
    );
    expect(new Set(locks).size).toBe(4);
  });

  it("takes the steps that are missing, and none where another process was faster", async () => {
    const steps = async (...layouts: Parameters<typeof asked>[0]): Promise<unknown[]> =>
      (await asked(layouts, { schema: true })).slice(4);
    expect(await steps(1, 1)).toEqual([
      `  SELECT layout FROM ${LAYOUT}`,
      '  TO 2: "a""b"""."p""_leases"',
      `  DELETE FROM ${LAYOUT}`,
      `  INSERT INTO ${LAYOUT} VALUES (2)`,
    ]);
    expect(await steps(1, 2)).toEqual([`  SELECT layout FROM ${LAYOUT}`]);
  });

  it("refuses tables of a later release, and fails as the server fails", async () => {
    for (const layouts of [[3], [0, 3]]) {
      const migrating = asked(layouts);
      await expect(migrating).rejects.toBeInstanceOf(ForeignTables);
      await expect(migrating).rejects.toThrow(
        `the layout of ${LAYOUT} is 3, and this release knows layouts up to 2; update @batonjs/store-postgres`,
      );
    }
    const refused = failure("42501");
    await expect(asked([refused])).rejects.toBe(refused);
  });
});
