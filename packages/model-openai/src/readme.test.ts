import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";
import { chatDialect, respond, startProvider, type WireReply } from "@batonjs/testing/model";
import { expect, it } from "vitest";

const REPLIES: readonly WireReply[] = [
  { calls: [{ id: "call_1", name: "transfer_to_billing_agent", arguments: ["{}"] }] },
  { text: ["Your refund is on its way."] },
];

it("the program in the README runs, with a key and a server of the environment", { timeout: 30_000 }, async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, program = ""] = /^```ts\n(.*?)^```/ms.exec(readme) ?? [];
  const file = new URL("../.readme.tmp.ts", import.meta.url);
  const provider = await startProvider((_, response, number) => {
    respond(response, chatDialect.encode(REPLIES[number] as WireReply).frames);
  });
  await writeFile(file, program);
  try {
    const env = { ...process.env, OPENAI_API_KEY: "sk-readme-12345", OPENAI_BASE_URL: provider.baseURL };
    const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", file.pathname], { env });
    expect(stdout).toBe("Billing Agent Your refund is on its way.\n");
    expect(provider.requests.map(({ headers, body }) => [headers.authorization, body["model"]])).toEqual([
      ["Bearer sk-readme-12345", "gpt-4o-mini"],
      ["Bearer sk-readme-12345", "gpt-4o"],
    ]);
  } finally {
    await rm(file);
    await provider.close();
  }
});
