#!/usr/bin/env node
import { main } from "./cli.ts";

const { stdout } = process;
const colours = !process.env["NO_COLOR"] && (process.env["FORCE_COLOR"] !== undefined || stdout.isTTY === true);
process.exitCode = await main(process.argv.slice(2), {
  write: (line) => console.log(line),
  error: (line) => console.error(line),
  colours,
  width: stdout.columns,
});
