import { describe, expect, it } from "vitest";
import { PostgresStore, type PostgresStoreOptions } from "./postgres-store.ts";

const url = "postgres://localhost";

describe("PostgresStore", () => {
  const refused = (name: string, message: string, connection: string, options?: object): void =>
    expect(() => new PostgresStore(connection, options)).toThrow(expect.objectContaining({ name, message }));

  it("refuses what cannot be a URL, and shows no password", () => {
    const message = "Cannot use the connection URL: expected postgres://user:password@host:port/database";
    for (const url of [
      "",
      "sessions",
      "mysql://root:secret@x",
      "secret",
      "postgres:secret",
      "x+postgres://root:secret@x",
      "postgres://user:secret@[broken/db",
    ])
      refused("TypeError", message, url);
  });

  it("refuses a schema or a prefix that PostgreSQL would cut off or cannot take", () => {
    const message = (value: string, name: string, max: number): string =>
      `Cannot use ${JSON.stringify(value)} as ${name}: expected at most ${max} bytes and no NUL`;
    for (const schema of ["x".repeat(64), "é".repeat(32), "a\0", "\0"])
      refused("TypeError", message(schema, "schema", 63), url, { schema });
    for (const prefix of ["x".repeat(41), "é".repeat(21), "a\0"])
      refused("TypeError", message(prefix, "prefix", 40), url, { prefix });
    refused("TypeError", "Cannot use an empty schema", url, { schema: "" });
  });

  it("refuses a time that is none, and options that it does not have", () => {
    for (const retryMs of [-1, Number.NaN])
      refused("RangeError", `Cannot use ${retryMs} as retryMs: expected 0 or more`, url, { retryMs });
    refused(
      "TypeError",
      'Cannot use option "retry" of sessions in PostgreSQL: known options are schema, prefix, maxConnections, retryMs',
      url,
      { retry: 1 },
    );
  });

  it("takes what just fits, and makes no connection before it is used", async () => {
    const fitting: readonly PostgresStoreOptions[] = [
      { schema: "x".repeat(63), prefix: "x".repeat(40) },
      { schema: "é".repeat(31), prefix: "é".repeat(20) },
      { prefix: "", retryMs: 0, maxConnections: 1 },
      { retryMs: Infinity },
    ];
    for (const options of fitting) await new PostgresStore(url, options).close();
    await new PostgresStore("postgresql://user:p%40ss@[::1]:5432/db?sslmode=require").close();
  });

  it("says what is wrong with a server that cannot be reached, and shows no password", async () => {
    const store = new PostgresStore("postgres://user:s3cret@127.0.0.1:9/db", { retryMs: 50 });
    const error: unknown = await store.read({ id: "s" }).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "StoreError", retryable: true });
    expect(String(error)).toContain("ECONNREFUSED");
    expect(JSON.stringify(error, ["message", "stack", "cause", "code", "input"])).not.toContain("s3cret");
  });
});
