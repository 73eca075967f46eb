import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { APPLICATION_ID, layoutOf, migrate, MIGRATIONS } from "./layouts.ts";

const next = "ALTER TABLE sessions ADD COLUMN title TEXT; UPDATE sessions SET title = key";

describe("migrate()", () => {
  it("brings a file from each layout to the newest", () => {
    const migrations = [...MIGRATIONS, next];
    for (let layout = 0; layout <= migrations.length; layout++) {
      const database = new DatabaseSync(":memory:");
      migrate(database, migrations.slice(0, layout));
      if (layout > 0) database.exec("INSERT INTO sessions (key, version, changed) VALUES ('[1]', 0, 1)");
      migrate(database, migrations);
      expect(layoutOf(database, migrations)).toBe(migrations.length);
      expect(database.prepare("PRAGMA application_id").get()).toEqual({ application_id: APPLICATION_ID });
      if (layout === 1) expect(database.prepare("SELECT title FROM sessions").all()).toEqual([{ title: "[1]" }]);
      database.close();
    }
  });

  it("changes nothing where a step fails", () => {
    const database = new DatabaseSync(":memory:");
    migrate(database);
    expect(() => migrate(database, [...MIGRATIONS, next, "NO SQL"])).toThrow("syntax error");
    expect(layoutOf(database)).toBe(MIGRATIONS.length);
    expect(() => database.prepare("SELECT title FROM sessions")).toThrow("no such column");
    expect(database.isTransaction).toBe(false);
    migrate(database, [...MIGRATIONS, next]);
    expect(layoutOf(database, [...MIGRATIONS, next])).toBe(MIGRATIONS.length + 1);
  });
});
