#!/usr/bin/env node
/// <reference types="node" />
import { main } from "./scenarios/cli.ts";

process.exitCode = await main(process.argv.slice(2), {
  write: (line) => console.log(line),
  error: (line) => console.error(line),
});
