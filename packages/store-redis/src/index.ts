/**
 * Baton sessions in Redis.
 *
 * @module
 */
export type { IoRedisClient, NodeRedisClient } from "./clients.ts";
export { type RedisConnection, RedisStore, type RedisStoreOptions, redisSessions } from "./redis-store.ts";
