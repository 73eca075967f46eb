/**
 * A program that makes two calls and does not close its connection: it has to come to its end by itself, also where the
 * server is gone, which it waits for on its input.
 */
import { redisSessions } from "../src/index.ts";

const { sessions } = redisSessions(process.argv[2] ?? "", { prefix: "idle:" });
const items = [{ type: "message", id: "1", role: "user", content: "1" }] as const;
await sessions?.append({ id: "s" }, items, { expectedVersion: 0, opId: "1" });
// Only the call keeps the program going while it waits.
console.log((await sessions?.read({ id: "s" }))?.version);
for await (const _ of process.stdin);
