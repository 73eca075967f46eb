import { describe, expect, it } from "vitest";
import { PostgresStore } from "./postgres-store.ts";

describe("PostgresStore", () => {
  it("refuses what cannot be a URL, a schema or a prefix, and shows no password", () => {
    for (const url of ["", "sessions", "mysql://root:secret@x", "secret", "postgres://user:secret@[broken/db"]) {
      expect(() => new PostgresStore(url)).toThrow(TypeError);
      expect(() => new PostgresStore(url)).not.toThrow("secret");
    }
    const url = "postgres://localhost";
    for (const options of [{ schema: "" }, { schema: "x".repeat(64) }, { prefix: "é".repeat(21) }, { schema: "\0" }])
      expect(() => new PostgresStore(url, options)).toThrow(TypeError);
    expect(() => new PostgresStore(url, { retryMs: -1 })).toThrow(RangeError);
  });

  it("says what is wrong with a server that cannot be reached, and shows no password", async () => {
    const store = new PostgresStore("postgres://user:s3cret@127.0.0.1:9/db", { retryMs: 50 });
    const error: unknown = await store.read({ id: "s" }).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "StoreError", retryable: true });
    expect(String(error)).toContain("ECONNREFUSED");
    expect(JSON.stringify(error, ["message", "stack", "cause", "code", "input"])).not.toContain("s3cret");
  });
});
