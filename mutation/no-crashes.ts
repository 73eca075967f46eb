// In place of `@batonjs/testing/session-store/crashes`: a process that is killed runs the code as it was, not the mutant.

import type { CrashSuite, RunCrashSuite } from "../packages/testing/src/session-store/crashes.ts";

export { startCuttingProxy } from "../packages/testing/src/session-store/cutting-proxy.ts";

export function testCrashes({ it }: CrashSuite): void {
  it("kills no process", () => Promise.resolve());
}

export function testRunCrashes({ it }: RunCrashSuite): void {
  it("kills no process", () => Promise.resolve());
}
