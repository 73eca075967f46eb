/** Fails each test after which a built-in prototype is not what it was when the file was loaded. */
import { afterEach, beforeAll } from "vitest";
import { watchPrototypes } from "./prototypes.ts";

let changes: () => readonly string[] = () => [];

beforeAll(() => {
  changes = watchPrototypes();
});

afterEach(({ task }) => {
  const changed = changes();
  if (changed.length === 0 || task.result?.state === "fail") return;
  throw new Error(`A test has changed ${changed.join(", ")}: all objects inherit from it`);
});
