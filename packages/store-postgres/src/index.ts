/**
 * Baton sessions in PostgreSQL.
 *
 * @module
 */
export type { PgPool, PostgresSql } from "./drivers.ts";
export {
  type PostgresConnection,
  PostgresStore,
  type PostgresStoreOptions,
  postgresSessions,
} from "./postgres-store.ts";
