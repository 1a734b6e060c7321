import { defineConfig } from "@playwright/test";

// The browser is the one of the system: CHROMIUM names it. ORDERFLOW_BIN is the program under test.
export default defineConfig({
  testDir: "e2e",
  outputDir: process.env.CONSOLE_TEST_OUTPUT ?? "../../target/console-tests",
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: "line",
  use: {
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] },
    viewport: { width: 1440, height: 900 },
    locale: "en-US",
  },
});
