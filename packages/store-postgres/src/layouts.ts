import { createHash } from "node:crypto";
import { codeOf, ForeignTables, UNDEFINED_SCHEMA, UNDEFINED_TABLE } from "./failures.ts";
import type { Driver, Query } from "./drivers.ts";

/** The names of the tables, quoted. */
export interface Tables {
  readonly schema: string;
  readonly layout: string;
  readonly sessions: string;
  readonly items: string;
  readonly appends: string;
  readonly leases: string;
}

export function tableNames(schema: string, prefix: string): Tables {
  const table = (name: string): string => `${quoted(schema)}.${quoted(prefix + name)}`;
  return {
    schema: quoted(schema),
    layout: table("layout"),
    sessions: table("sessions"),
    items: table("items"),
    appends: table("appends"),
    leases: table("leases"),
  };
}

/**
 * What brings the tables from each layout to the next. Never edit one that was released; add one, and a dump of the
 * layout before it to `__fixtures__`.
 *
 * Items are `text`, not `jsonb`: it keeps NUL and lone surrogates, which `jsonb` refuses, and the exact text, by which a
 * repeated append is recognised. Keys and operation ids are JSON text for the same reason. `digest` is the SHA-256 of a
 * key, as an index takes no long text. `changed` is in microseconds since the epoch.
 */
const MIGRATIONS: readonly ((tables: Tables) => string)[] = [
  ({ sessions, items, appends, leases }) => `
    CREATE TABLE ${sessions} (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      digest text NOT NULL UNIQUE,
      key text NOT NULL,
      tenant_digest text NOT NULL,
      version integer NOT NULL,
      changed bigint NOT NULL
    );
    CREATE INDEX ON ${sessions} (tenant_digest, changed, id);
    CREATE TABLE ${items} (
      session bigint NOT NULL,
      seq integer NOT NULL,
      item text NOT NULL,
      PRIMARY KEY (session, seq)
    );
    CREATE TABLE ${appends} (
      session bigint NOT NULL,
      operation text NOT NULL,
      first integer NOT NULL,
      version integer NOT NULL,
      PRIMARY KEY (session, operation)
    );
    CREATE TABLE ${leases} (
      digest text PRIMARY KEY,
      run text NOT NULL,
      until timestamptz NOT NULL
    );
  `,
];

type Migrations = typeof MIGRATIONS;

/** Brings the tables to the newest layout, all at once or not at all. Several processes may try at the same time. */
export async function migrate(driver: Driver, tables: Tables, migrations: Migrations = MIGRATIONS): Promise<void> {
  if ((await storedLayout(driver.query, tables, migrations)) === migrations.length) return;
  await driver.transaction(async (query) => {
    await query("SELECT pg_advisory_xact_lock($1::bigint)", [lockNumber(tables)]);
    // Another process may have been faster. Nobody else needs the right to create a schema that is there.
    const [[found] = []] = await query("SELECT to_regnamespace($1) IS NOT NULL", [tables.schema]);
    if (found !== true) await query(`CREATE SCHEMA ${tables.schema}`);
    await query(`CREATE TABLE IF NOT EXISTS ${tables.layout} (layout integer NOT NULL)`);
    const layout = await storedLayout(query, tables, migrations);
    if (layout === migrations.length) return;
    for (const step of migrations.slice(layout)) await query(step(tables));
    await query(`DELETE FROM ${tables.layout}`);
    await query(`INSERT INTO ${tables.layout} VALUES (${migrations.length})`);
  });
}

/** The layout of the tables; 0 where there are none. Throws where they are of a later release. */
async function storedLayout(query: Query, tables: Tables, migrations: Migrations): Promise<number> {
  let layout: number;
  try {
    const [row] = await query(`SELECT layout FROM ${tables.layout}`);
    layout = Number(row?.[0] ?? 0);
  } catch (error) {
    if (codeOf(error) !== UNDEFINED_TABLE && codeOf(error) !== UNDEFINED_SCHEMA) throw error;
    layout = 0;
  }
  if (layout > migrations.length)
    throw new ForeignTables(
      `the layout of ${tables.layout} is ${layout}, and this release knows layouts up to ${migrations.length}; update @batonjs/store-postgres`,
    );
  return layout;
}

/** The number of the advisory lock: the same for all that use the same tables. */
function lockNumber(tables: Tables): string {
  const digest = createHash("sha256").update(`@batonjs/store-postgres ${tables.layout}`).digest();
  return digest.readBigInt64BE().toString();
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
