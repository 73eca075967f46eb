import { messageOf } from "@batonjs/core";
import type { Script } from "./scripts.ts";

/** What is asked of Redis. */
export interface Commands {
  run(script: Script, keys: string[], args: string[]): Promise<unknown>;
  /** A setting of the server; nothing where it is not told. */
  setting(name: string): Promise<string | undefined>;
  /** Closes the connection, where it is ours. */
  close(): Promise<void>;
}

/** What of a client or cluster of the package `redis` is used. It has to be connected. */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  configGet?(name: string): Promise<unknown>;
  /** A cluster has this. */
  readonly masters?: unknown;
}

/** What of a client or cluster of the package `ioredis` is used. */
export interface IoRedisClient {
  evalsha(sha: string, keys: number, ...values: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...values: string[]): Promise<unknown>;
  config(operation: "GET", name: string): Promise<unknown>;
  readonly isCluster?: boolean;
}

export function commandsOf(client: NodeRedisClient | IoRedisClient, close: () => Promise<void>): Commands {
  return "evalSha" in client
    ? {
        run: (script, keys, args) =>
          withScript(
            () => client.evalSha(script.sha, { keys, arguments: args }),
            () => client.eval(script.text, { keys, arguments: args }),
          ),
        // A cluster has many servers, each with settings of its own.
        setting: async (name) => ("masters" in client ? undefined : settingOf(name, await client.configGet?.(name))),
        close,
      }
    : {
        run: (script, keys, args) =>
          withScript(
            () => client.evalsha(script.sha, keys.length, ...keys, ...args),
            () => client.eval(script.text, keys.length, ...keys, ...args),
          ),
        setting: async (name) =>
          client.isCluster === true ? undefined : settingOf(name, await client.config("GET", name)),
        close,
      };
}

/** By the digest first: the text is sent only where the server does not have it. */
async function withScript(byDigest: () => Promise<unknown>, byText: () => Promise<unknown>): Promise<unknown> {
  try {
    return await byDigest();
  } catch (error) {
    if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
    return byText();
  }
}

/** The reply is an object, a map or a list of names and values, as client and protocol will. */
function settingOf(name: string, reply: unknown): string | undefined {
  let value: unknown;
  if (Array.isArray(reply)) value = reply[reply.indexOf(name) + 1];
  else if (reply instanceof Map) value = reply.get(name);
  else value = (reply as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof value === "string" ? value : undefined;
}
