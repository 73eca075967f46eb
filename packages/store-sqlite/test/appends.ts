// Appends five times, and says before and after each: what strace is to see. `node appends.ts FILE`
import { writeSync } from "node:fs";
import { SqliteStore } from "../src/sqlite-store.ts";

const store = new SqliteStore(process.argv[2] ?? "");
for (let at = 0; at < 5; at++) {
  writeSync(1, "begun\n");
  await store.append({ id: "s" }, [{ type: "rewind", id: `${at}`, to: "0" }], { expectedVersion: at, opId: `${at}` });
  writeSync(1, "acknowledged\n");
}
await store.close();
