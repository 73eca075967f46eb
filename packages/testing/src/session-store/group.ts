/** What a suite needs of a test runner. */
interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** Declares a group of tests, and nothing where it has none: some runners fail an empty one. */
export function declareGroup(runner: TestRunner, name: string, declare: (it: TestRunner["it"]) => void): void {
  const tests: (readonly [name: string, body: () => Promise<void>])[] = [];
  declare((...test) => tests.push(test));
  if (tests.length === 0) return;
  runner.describe(name, () => {
    for (const [name, body] of tests) runner.it(name, body);
  });
}
