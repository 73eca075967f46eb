import { describe, expect, it } from "vitest";
import { Paragraph, fields, plain, short } from "./text.ts";

describe("plain()", () => {
  it("neutralises escapes, other controls and marks of direction", () => {
    expect(plain("\u001b[31mred\u001b[0m \u0007\u0000 a\u202eb\u009b2J c\u007f")).toBe("␛[31mred␛[0m ␇␀ ab2J c␡");
  });

  it("leaves lines, tabs and all scripts as they are", () => {
    const text = "a\tb\nZoë — 退款 — возврат — استرداد — 🙂";
    expect(plain(text)).toBe(text);
    expect(plain("a\r\nb\rc")).toBe("a\nb\nc");
  });
});

describe("short() and fields()", () => {
  it("cut what is long, between characters", () => {
    expect(short("one\n two", 20)).toBe("one two");
    expect(short("🙂".repeat(10), 4)).toBe("🙂🙂🙂…");
    expect(short("x".repeat(100_000), 5)).toBe("xxxx…");
  });

  it("write a payload as words", () => {
    expect(fields({ issueType: "refund_request", amountMentioned: null, tags: [1] })).toBe(
      "issueType refund_request, tags [1]",
    );
    expect(fields(undefined)).toBe("");
    expect(fields("\u001b[2J")).toBe("␛[2J");
  });
});

describe("Paragraph", () => {
  const written = (pieces: readonly string[], width: number): string => {
    let text = "";
    const paragraph = new Paragraph((piece) => (text += piece), "| ", width);
    for (const piece of pieces) paragraph.add(piece);
    paragraph.end();
    return text;
  };

  it("breaks lines between words, however the text arrives", () => {
    const text = "You were charged twice on the third of October.\n\nShall I refund it?";
    const wanted = "| You were charged\n| twice on the\n| third of\n| October.\n|\n| Shall I refund\n| it?\n";
    expect(written([text], 16)).toBe(wanted);
    expect(written([...text], 16)).toBe(wanted);
  });

  it("leaves lines whole where nothing is said about the width, and words that are too long", () => {
    expect(written(["a b ", "c"], Number.POSITIVE_INFINITY)).toBe("| a b c\n");
    expect(written(["abcdefghij kl"], 5)).toBe("| abcdefghij\n| kl\n");
  });

  it("counts wide characters as two columns", () => {
    expect(written(["退款 退款 退款"], 10)).toBe("| 退款 退款\n| 退款\n");
    expect(written(["我上个月被收了两次订阅费"], 10)).toBe("| 我上个月被\n| 收了两次订\n| 阅费\n");
  });

  it("writes nothing for nothing", () => expect(written([], 10)).toBe(""));
});
