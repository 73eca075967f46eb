import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { change, one, openDatabase } from "./database.ts";

const folder = mkdtempSync(join(tmpdir(), "support-triage-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("openDatabase() keeps what a file holds", () => {
  const path = join(folder, "desk.db");
  const first = openDatabase(path);
  change(first, "UPDATE customers SET two_factor = 1 WHERE id = 'cus_1001'");
  first.close();
  const second = openDatabase(path);
  expect(one(second, "SELECT two_factor FROM customers WHERE id = 'cus_1001'")).toEqual({ two_factor: 1 });
  second.close();
});

it("openDatabase() says in a sentence why a file cannot be used", () => {
  const text = join(folder, "notes.txt");
  writeFileSync(text, "this is not a database, it is a text that is long enough to be told from one\n".repeat(50));
  expect(() => openDatabase(text)).toThrow(`Cannot use "${text}" as the database: file is not a database`);

  const other = join(folder, "other.db");
  const db = new DatabaseSync(other);
  db.exec("CREATE TABLE recipes (name TEXT)");
  db.close();
  expect(() => openDatabase(other)).toThrow("it holds the tables of something else");
  expect(() => openDatabase(join(folder, "no", "such", "folder.db"))).toThrow("unable to open database file");
});
