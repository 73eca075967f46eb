import "@batonjs/testing/vitest";
import { call, say, scriptedModel, testClock } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import {
  Agent,
  approve,
  MAX_SEALED_LENGTH,
  type PausedResult,
  Runner,
  type SealOptions,
  seals,
  tool,
} from "./index.ts";

const key = { id: "2026", secret: "0123456789abcdef0123456789abcdef" };
const other = { id: "2025", secret: "fedcba9876543210fedcba9876543210" };

/** A run that waits for the approval of one payment. */
async function paused(): Promise<PausedResult> {
  const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
  const agent = new Agent({ name: "Desk", model: scriptedModel([call("pay", { amount: 1 })]), tools: [pay] });
  return (await new Runner().run(agent, "Pay")) as PausedResult;
}

const sealed = async (options: Partial<SealOptions> = {}): Promise<string> =>
  seals({ keys: [key], ...options }).seal(await paused());

/** Rejects with the code, and the nonce is not used up: nothing was trusted of it. */
async function refusal(text: unknown, options: Partial<SealOptions> = {}): Promise<unknown> {
  const used: string[] = [];
  const nonces = { use: async (nonce: string) => used.push(nonce) > 0 };
  const error: { readonly name: string; readonly code: string; readonly message: string } = await seals({
    keys: [key],
    nonces,
    ...options,
  })
    .open(text as string)
    .then(
      () => expect.unreachable("It was opened"),
      (thrown: unknown) => thrown as never,
    );
  expect(error.name).toBe("RunError");
  expect(error.message).not.toContain(key.secret);
  if (error.code !== "state_consumed") expect(used).toEqual([]);
  return error.code;
}

const base64url = (text: string): string => Buffer.from(text).toString("base64url");
const partsOf = (text: string): [version: string, key: string, body: string, tag: string] =>
  text.split(".") as [string, string, string, string];

/** The sealed state with its payload changed and the old signature. */
function edited(text: string, change: (payload: never) => void): string {
  const [version, id, body, tag] = partsOf(text);
  const payload = JSON.parse(Buffer.from(body, "base64url").toString()) as never;
  change(payload);
  return [version, id, base64url(JSON.stringify(payload)), tag].join(".");
}

describe("sealed state", () => {
  it("comes back as it was, as plain data, and lets the run go on", async () => {
    const result = await paused();
    const { seal, open } = seals({ keys: [key], audience: "user-42" });
    const state = await open(await seal(result));
    expect(state).toEqual(JSON.parse(JSON.stringify({ items: result.history, pending: result.pending })));
    const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
    const agent = new Agent({ name: "Desk", model: scriptedModel([say("Done")]), tools: [pay] });
    const last = await new Runner().run(agent, [...state.items, ...state.pending.map((each) => approve(each))]);
    expect(last.finalOutput).toBe("Done");
  });

  it("that was changed in any one character is refused", async () => {
    const text = await sealed();
    const { open } = seals({ keys: [key] });
    for (let at = 0; at < text.length; at += 7) {
      const flipped = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
      await expect(open(flipped), `character ${at}`).rejects.toMatchObject({
        name: "RunError",
        code: expect.stringMatching(/^state_(tampered|unknown_version)$/) as string,
      });
    }
    await expect(open(text)).resolves.toBeDefined(); // none of the attempts has used it up
  });

  it.each<[string, (payload: { items: { arguments?: string }[] } & Record<string, unknown>) => void]>([
    ["arguments of the call", ({ items }) => items.forEach((each) => each.arguments && (each.arguments = "{}"))],
    ["items", ({ items }) => void items.push({})],
    [
      "approvals",
      ({ items }) => void items.push({ type: "approval", decision: "approved", callId: "call_1" } as never),
    ],
    ["what is pending", (payload) => void (payload["pending"] = [])],
    ["the audience", (payload) => void (payload["audience"] = "admin")],
    ["the expiry", (payload) => void (payload["expiresAt"] = 1e308)],
    ["the nonce", (payload) => void (payload["nonce"] = "fresh")],
    ["__proto__", (payload) => void Object.defineProperty(payload, "__proto__", { value: { x: 1 }, enumerable: true })],
  ])("with other %s is refused", async (_, change) => {
    expect(await refusal(edited(await sealed(), change as never))).toBe("state_tampered");
  });

  it("with a signature that is missing, short, long, empty or of zeros is refused", async () => {
    const [version, id, body, tag] = partsOf(await sealed());
    const zeros = base64url("\0".repeat(32));
    for (const wrong of ["", tag.slice(0, -1), tag.slice(0, 10), `${tag}AA`, zeros, `${tag}!`, "é"])
      expect(await refusal([version, id, body, wrong].join(".")), wrong).toBe("state_tampered");
    expect(await refusal([version, id, body].join("."))).toBe("state_tampered");
    expect(await refusal([version, id, body, tag, tag].join("."))).toBe("state_tampered");
  });

  it("of another key is refused, also under the id of a known one", async () => {
    const text = await sealed({ keys: [other] });
    expect(await refusal(text)).toBe("state_tampered");
    const [version, , body, tag] = partsOf(text);
    expect(await refusal([version, base64url(key.id), body, tag].join("."))).toBe("state_tampered");
    for (const id of ["__proto__", "constructor", ""])
      expect(await refusal([version, base64url(id), body, tag].join("."))).toBe("state_tampered");
  });

  it("of an older key is opened, and with the new one sealed", async () => {
    const old = await sealed({ keys: [other] });
    const both = seals({ keys: [key, other] });
    await expect(both.open(old)).resolves.toBeDefined();
    expect(Buffer.from(partsOf(await both.seal(await paused()))[1], "base64url").toString()).toBe(key.id);
  });

  it("of another audience, of none, and for none is refused", async () => {
    expect(await refusal(await sealed({ audience: "a" }), { audience: "b" })).toBe("state_tampered");
    expect(await refusal(await sealed({ audience: "a" }))).toBe("state_tampered");
    expect(await refusal(await sealed(), { audience: "a" })).toBe("state_tampered");
  });

  it("is opened once", async () => {
    const { seal, open } = seals({ keys: [key] });
    const text = await seal(await paused());
    const all = await Promise.allSettled([open(text), open(text), open(text)]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    await expect(open(text)).rejects.toMatchObject({ code: "state_consumed" });
  });

  it("is good until it expires, not after", async () => {
    const clock = testClock();
    const text = await sealed({ clock, expiresInMs: 1_000 });
    await clock.advance(1_000);
    await expect(seals({ keys: [key], clock }).open(text)).resolves.toBeDefined();
    await clock.advance(1);
    expect(await refusal(text, { clock })).toBe("state_expired");
  });

  it("of a version to come, of no version and of no text is refused before anything of it is read", async () => {
    const [, ...rest] = partsOf(await sealed());
    for (const version of ["baton2", "baton1.0", "", "1", "null", "BATON1"])
      expect(await refusal([version, ...rest].join(".")), version).toMatch(/^state_(unknown_version|tampered)$/);
    expect(await refusal(["baton2", ...rest].join("."))).toBe("state_unknown_version");
    for (const text of [undefined, null, 1, {}, [], ["baton1"]]) expect(await refusal(text)).toBe("state_tampered");
    expect(await refusal("")).toBe("state_unknown_version");
    expect(await refusal('{"lc":2,"type":"constructor"}')).toBe("state_unknown_version");
  });

  it("that is too long is refused before it is decoded", async () => {
    expect(await refusal("x".repeat(MAX_SEALED_LENGTH + 1))).toBe("state_too_large");
    expect(await refusal("x".repeat(MAX_SEALED_LENGTH))).toBe("state_unknown_version");
  });

  it("has no secret of the seal in it", async () => {
    const text = await sealed();
    const readable = text
      .split(".")
      .map((part) => Buffer.from(part, "base64url").toString())
      .join("\n");
    expect(readable).toContain("Pay"); // signed, not encrypted
    expect(readable).not.toContain(key.secret);
  });
});
