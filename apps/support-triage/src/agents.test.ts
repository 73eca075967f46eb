import { lintAgents, lintText } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { createDesk } from "./agents.ts";

describe("the help desk's graph", () => {
  it("passes the linter", async () => {
    const report = await lintAgents(createDesk(), {
      labels: {
        find_charges: ["private"],
        get_invoice: ["private"],
        list_payment_methods: ["private"],
        get_account: ["private"],
        list_devices: ["private"],
        list_tickets: ["private"],
      },
      off: [
        {
          rule: "unfiltered-edge",
          at: /\(transfer_back\)$/,
          reason: "triage talks to the same customer, whose data it is, and none of its tools leads out",
        },
      ],
    });
    expect(lintText(report)).toBe("0 errors, 0 warnings, 3 turned off");
  });
});
