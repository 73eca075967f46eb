/// <reference types="node" />
// A process that appends to a session until it is killed, and says what was acknowledged. See crashes.ts.
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { type Json, SessionConflict, type SessionStore } from "@batonjs/core";
import { operationItems, type WriterArguments } from "./writer-arguments.ts";

const { module, config, key, name } = JSON.parse(process.argv[2] ?? "") as WriterArguments;
const { open } = (await import(module)) as { open: (config: Json) => SessionStore | Promise<SessionStore> };
const store = await open(config);
// Otherwise it is written at the end, which a killed process does not see.
flushCompileCache();

for (let operation = 0; ; operation++) {
  const opId = `${name} ${operation}`;
  const items = operationItems(opId);
  writeSync(1, `begun ${opId}\n`);
  for (let done = false; !done;) {
    const { version } = await store.read(key);
    try {
      await store.append(key, items, { expectedVersion: version, opId });
      done = true;
    } catch (error) {
      if (!(error instanceof SessionConflict)) throw error;
    }
  }
  // Before anything else happens: a pipe takes it at once.
  writeSync(1, `acknowledged ${opId}\n`);
  // A store in memory never gives way.
  await new Promise((resolve) => setImmediate(resolve));
}
