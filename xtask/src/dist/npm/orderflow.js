#!/usr/bin/env node
// Starts the program, which is in the package of this platform.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

function find() {
  const name = `orderflow-${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${name}/bin/orderflow`);
  } catch {
    console.error(`orderflow: the package ${name} is not installed. If it exists for this platform, install without --omit=optional.`);
    process.exit(1);
  }
}

const child = spawn(find(), process.argv.slice(2), { stdio: "inherit" });
// The terminal sends SIGINT to both; this process waits for the program to end.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`orderflow: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
