import type { Tables } from "./layouts.ts";

/** The statements of a store. Each is atomic by itself, so none needs a transaction around it. */
export interface Statements {
  readonly read: string;
  readonly create: string;
  readonly extend: string;
  readonly look: string;
  readonly deleteSession: string;
  readonly deleteItems: string;
  readonly deleteOperations: string;
  readonly list: string;
  readonly takeLease: string;
  readonly renewLease: string;
  readonly releaseLease: string;
  readonly settings: string;
}

const MICROSECONDS = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

// Where a role or a database has turned it off, an append is still acknowledged only when it is on the disk. Stronger
// settings stay as they are.
const SYNCHRONOUS = `CASE current_setting('synchronous_commit')
  WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END`;

export function statements({ sessions, items, appends, leases }: Tables): Statements {
  // $4 is the version before, $5 the one after, $6 the operation, $7 the items, one a line: JSON text has no line ends.
  const addRows = `
    added AS (
      INSERT INTO ${items} (session, seq, item)
      SELECT session.id, $4::integer + line.at - 1, line.item
      FROM session, unnest(string_to_array($7, E'\\n')) WITH ORDINALITY AS line (item, at)
    ), noted AS (
      INSERT INTO ${appends} (session, operation, first, version)
      SELECT session.id, $6, $4::integer, $5::integer FROM session
    )
    SELECT ${SYNCHRONOUS} FROM session`;
  return {
    read: `
      SELECT session.version, item.seq, item.item
      FROM ${sessions} session LEFT JOIN ${items} item ON item.session = session.id AND item.seq >= $2::integer
      WHERE session.digest = $1 ORDER BY item.seq`,
    create: `
      WITH session AS (
        INSERT INTO ${sessions} (digest, key, tenant_digest, version, changed)
        VALUES ($1, $2, $3, $5::integer, ${MICROSECONDS})
        ON CONFLICT (digest) DO NOTHING RETURNING id
      ), ${addRows}`,
    extend: `
      WITH session AS (
        UPDATE ${sessions} SET version = $5::integer, changed = greatest(changed + 1, ${MICROSECONDS})
        WHERE digest = $1 AND key = $2 AND tenant_digest = $3 AND version = $4::integer RETURNING id
      ), ${addRows}`,
    look: `
      SELECT session.version, done.version, (
        SELECT string_agg(item.item, E'\\n' ORDER BY item.seq) FROM ${items} item
        WHERE item.session = session.id AND item.seq >= done.first AND item.seq < done.version
      )
      FROM ${sessions} session LEFT JOIN ${appends} done ON done.session = session.id AND done.operation = $2
      WHERE session.digest = $1`,
    deleteSession: `DELETE FROM ${sessions} WHERE digest = $1 RETURNING id`,
    deleteItems: `DELETE FROM ${items} WHERE session = $1::bigint`,
    deleteOperations: `DELETE FROM ${appends} WHERE session = $1::bigint`,
    list: `
      SELECT id, key, changed FROM ${sessions}
      WHERE tenant_digest = $1 AND (changed, id) < ($2::bigint, $3::bigint)
      ORDER BY changed DESC, id DESC LIMIT $4::bigint`,
    takeLease: `
      INSERT INTO ${leases} AS held (digest, run, until)
      VALUES ($1, $2, clock_timestamp() + $3::double precision * interval '1 millisecond')
      ON CONFLICT (digest) DO UPDATE SET run = excluded.run, until = excluded.until
      WHERE held.run = excluded.run OR held.until <= clock_timestamp() RETURNING run`,
    renewLease: `
      UPDATE ${leases} SET until = clock_timestamp() + $3::double precision * interval '1 millisecond'
      WHERE digest = $1 AND run = $2 AND until > clock_timestamp() RETURNING run`,
    releaseLease: `DELETE FROM ${leases} WHERE digest = $1 AND run = $2`,
    settings: "SELECT current_setting('fsync'), current_setting('server_encoding')",
  };
}
