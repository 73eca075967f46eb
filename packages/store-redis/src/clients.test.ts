import { describe, expect, it } from "vitest";
import { type Commands, commandsOf } from "./clients.ts";
import { type Script, PAGE, READ } from "./scripts.ts";

const noScript = (): Promise<never> => Promise.reject(new Error("NOSCRIPT No matching script. Please use EVAL."));

/** Both kinds of client, made to answer so; each command is written down. */
function clients({ bySha, settings }: { readonly bySha?: () => Promise<unknown>; readonly settings?: unknown } = {}) {
  const done: unknown[][] = [];
  const answer =
    (name: string, reply: () => Promise<unknown>) =>
    (...values: unknown[]): Promise<unknown> => {
      done.push([name, ...values]);
      return reply();
    };
  const byDigest = bySha ?? (() => Promise.resolve("by digest"));
  const byText = (): Promise<unknown> => Promise.resolve("by text");
  const told = (): Promise<unknown> => Promise.resolve(settings);
  return {
    done,
    redis: { evalSha: answer("evalSha", byDigest), eval: answer("eval", byText), configGet: answer("configGet", told) },
    ioredis: { evalsha: answer("evalsha", byDigest), eval: answer("eval", byText), config: answer("config", told) },
  };
}

const commands = (client: Parameters<typeof commandsOf>[0]): Commands => commandsOf(client, () => Promise.resolve());
const run = (client: Parameters<typeof commandsOf>[0], script: Script): Promise<unknown> =>
  commands(client).run(script, ["a", "b"], ["1", "2"]);

describe("commandsOf()", () => {
  it("runs a script by its digest, and by its text where the server does not have it", async () => {
    const known = clients();
    expect(await run(known.redis, READ)).toBe("by digest");
    expect(await run(known.ioredis, READ)).toBe("by digest");
    expect(known.done).toEqual([
      ["evalSha", READ.sha, { keys: ["a", "b"], arguments: ["1", "2"] }],
      ["evalsha", READ.sha, 2, "a", "b", "1", "2"],
    ]);
    const unknown = clients({ bySha: noScript });
    expect(await run(unknown.redis, PAGE)).toBe("by text");
    expect(await run(unknown.ioredis, PAGE)).toBe("by text");
    expect(unknown.done.filter(([name]) => name === "eval")).toEqual([
      ["eval", PAGE.text, { keys: ["a", "b"], arguments: ["1", "2"] }],
      ["eval", PAGE.text, 2, "a", "b", "1", "2"],
    ]);
  });

  it("does not repeat a script by its text that failed otherwise", async () => {
    for (const failure of [new Error("ERR no NOSCRIPT"), new Error("BUSY x"), "a text", null]) {
      const { redis, ioredis, done } = clients({ bySha: () => Promise.reject(failure as Error) });
      await expect(run(redis, READ)).rejects.toBe(failure);
      await expect(run(ioredis, READ)).rejects.toBe(failure);
      expect(done.map(([name]) => name)).toEqual(["evalSha", "evalsha"]);
    }
  });

  it("reads a setting from an object, a map or a list, and none from anything else", async () => {
    const replies: readonly (readonly [unknown, string | undefined])[] = [
      [{ appendonly: "yes" }, "yes"],
      [Object.assign(Object.create(null), { appendonly: "yes" }), "yes"],
      [new Map([["appendonly", "yes"]]), "yes"],
      [["appendonly", "yes"], "yes"],
      [{}, undefined],
      [new Map(), undefined],
      [[], undefined],
      [{ appendonly: 1 }, undefined],
      [new Map([["appendonly", true]]), undefined],
      [["appendonly", null], undefined],
      ["appendonly", undefined],
      [7, undefined],
      [null, undefined],
      [undefined, undefined],
    ];
    for (const [settings, value] of replies) {
      const { redis, ioredis, done } = clients({ settings });
      expect(await commands(redis).setting("appendonly")).toBe(value);
      expect(await commands(ioredis).setting("appendonly")).toBe(value);
      expect(done).toEqual([
        ["configGet", "appendonly"],
        ["config", "GET", "appendonly"],
      ]);
    }
  });

  it("knows no setting of a cluster, whose servers have settings of their own, nor of a client that cannot ask", async () => {
    const { redis, ioredis, done } = clients({ settings: { appendonly: "yes" } });
    expect(await commands({ ...redis, masters: [] }).setting("appendonly")).toBe(undefined);
    expect(await commands({ ...ioredis, isCluster: true }).setting("appendonly")).toBe(undefined);
    expect(await commands({ evalSha: redis.evalSha, eval: redis.eval }).setting("appendonly")).toBe(undefined);
    expect(done).toEqual([]);
    expect(await commands({ ...ioredis, isCluster: false }).setting("appendonly")).toBe("yes");
  });
});
