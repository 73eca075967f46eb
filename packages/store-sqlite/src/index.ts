/**
 * Baton sessions in SQLite, through `node:sqlite`.
 *
 * @module
 */
export { SqliteStore, type SqliteStoreOptions, sqliteSessions } from "./sqlite-store.ts";
