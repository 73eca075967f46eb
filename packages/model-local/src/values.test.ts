import { describe, expect, it } from "vitest";
import {
  datesIn,
  emailsIn,
  isoDay,
  moneyIn,
  namesIn,
  numbersIn,
  phonesIn,
  quotedIn,
  tokensIn,
  urlsIn,
  yesOrNo,
} from "./values.ts";

const values = <T>(hits: readonly { readonly value: T }[]): readonly T[] => hits.map(({ value }) => value);

describe("moneyIn()", () => {
  it.each([
    ["it was $49.99", [{ amount: 49.99, currency: "USD" }]],
    [
      "49 dollars and 5 bucks",
      [
        { amount: 49, currency: "USD" },
        { amount: 5, currency: "USD" },
      ],
    ],
    ["1.234,50 € abgebucht", [{ amount: 1234.5, currency: "EUR" }]],
    [
      "EUR 20 or 20 EUR",
      [
        { amount: 20, currency: "EUR" },
        { amount: 20, currency: "EUR" },
      ],
    ],
    ["£1,200", [{ amount: 1200, currency: "GBP" }]],
    ["a $5k budget", [{ amount: 5000, currency: "USD" }]],
    ["99 cents", [{ amount: 0.99 }]],
    ["$0", [{ amount: 0, currency: "USD" }]],
    ["version 4.2.1, room 12, 3 pounds", [{ amount: 3, currency: "GBP" }]],
    ["no money", []],
  ])("of %j is %j", (text, money) => {
    expect(values(moneyIn(text))).toEqual(money);
  });
});

describe("numbersIn()", () => {
  it.each([
    ["3 seats and twenty chairs", [3, 20]],
    ["1,234.5 of -7", [1234.5, -7]],
    ["charged twice, a couple of times", [2, 2]],
    ["order ch_12, INV-7, 2026-11-03, 10:30, #5, v2", []],
    ["12,50", [12.5]],
  ])("of %j are %j", (text, numbers) => {
    expect(values(numbersIn(text))).toEqual(numbers);
  });
});

describe("datesIn()", () => {
  const today = { year: 2026, month: 11, day: 23 }; // a Monday
  const days = (text: string): readonly string[] =>
    datesIn(text, today).map(({ value: { from, to } }) =>
      isoDay(from) === isoDay(to) ? isoDay(from) : `${isoDay(from)}..${isoDay(to)}`,
    );

  it.each([
    ["on 2026-10-03", ["2026-10-03"]],
    ["10/03/2026 or 25/12/2026", ["2026-10-03", "2026-12-25"]],
    ["am 03.10.2026", ["2026-10-03"]],
    ["November 3rd, 2026", ["2026-11-03"]],
    ["3 November", ["2026-11-03"]],
    ["the 2nd of January", ["2027-01-02"]],
    ["yesterday and the day before yesterday", ["2026-11-22", "2026-11-21"]],
    ["today", ["2026-11-23"]],
    ["tomorrow", ["2026-11-24"]],
    ["3 days ago, two weeks ago", ["2026-11-20", "2026-11-09"]],
    ["in a month", ["2026-12-23"]],
    ["last friday", ["2026-11-20"]],
    ["on Friday", ["2026-11-27"]],
    ["next Monday", ["2026-11-30"]],
    ["last month", ["2026-10-01..2026-10-31"]],
    ["this week", ["2026-11-23..2026-11-29"]],
    ["last year", ["2025-01-01..2025-12-31"]],
    ["invoices for October", ["2026-10-01..2026-10-31"]],
    ["from 2026-11-01 to 2026-11-05", ["2026-11-01", "2026-11-05"]],
    ["2026-02-30 and 13/13/2026", []],
    ["may I ask", []],
    ["the October invoice", ["2026-10-01..2026-10-31"]],
    ["October invoice", ["2026-10-01..2026-10-31"]],
    ["my sept 2025 receipt", ["2025-09-01..2025-09-30"]],
    ["the May invoice and March's", ["2027-05-01..2027-05-31", "2027-03-01..2027-03-31"]],
    ["March on! And then, May I ask?", []],
    ["30 February or June 31", []],
  ])("of %j are %j", (text, expected) => {
    expect(days(text)).toEqual(expected);
  });

  it("leaves out what needs a calendar where there is none", () => {
    expect(values(datesIn("yesterday, 3 November, 2026-10-03", undefined))).toEqual([
      { from: { year: 2026, month: 10, day: 3 }, to: { year: 2026, month: 10, day: 3 } },
    ]);
  });

  it("keeps the last day of a shorter month", () => {
    const last = datesIn("a month ago", { year: 2026, month: 3, day: 31 })[0]?.value.from;
    expect(last && isoDay(last)).toBe("2026-02-28");
  });
});

describe("addresses and names", () => {
  it("are found with what stands around them left out", () => {
    expect(values(emailsIn("Mail ana.b+x@mail.example.com, or <bob@example.org>."))).toEqual([
      "ana.b+x@mail.example.com",
      "bob@example.org",
    ]);
    expect(values(urlsIn("see (https://example.com/a?b=c).")).map(String)).toEqual(["https://example.com/a?b=c"]);
    expect(values(phonesIn("call +49 30 1234567 or 555-123-4567, not 2026-11-03"))).toEqual([
      "+49 30 1234567",
      "555-123-4567",
    ]);
    expect(values(namesIn("Hi, my name is Ana de Souza and I'm angry. This is urgent."))).toEqual(["Ana de Souza"]);
    expect(values(quotedIn('the "Pro plan" and “Basic”, don\'t'))).toEqual(["Pro plan", "Basic"]);
    expect(values(tokensIn("order #12 of INV-7."))).toEqual(["order", "#12", "of", "INV-7"]);
  });
});

describe("yesOrNo()", () => {
  it.each([
    ["yes please", true],
    ["Sure!", true],
    ["go ahead", true],
    ["no thanks", false],
    ["don't", false],
    ["maybe", undefined],
    ["nothing works", undefined],
  ])("of %j is %s", (text, answer) => {
    expect(yesOrNo(text)).toBe(answer);
  });
});

it("every reader is quick on 100,000 characters of anything", () => {
  const readers = [moneyIn, numbersIn, emailsIn, urlsIn, phonesIn, namesIn, quotedIn, tokensIn];
  const texts = ["1", "a@", "1.", "$1,", '"', "my name is A ", "last ", "-1 ", "1 1 "].map((part) =>
    part.repeat(100_000 / part.length),
  );
  const started = performance.now();
  for (const text of texts) {
    for (const reader of readers) reader(text);
    datesIn(text, { year: 2026, month: 1, day: 1 });
  }
  expect(performance.now() - started).toBeLessThan(5_000);
});
