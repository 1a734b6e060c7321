// A shop of its own for each test, and a page whose console must stay free of errors.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test as base, expect, type Page } from "@playwright/test";

const PROGRAM = process.env.ORDERFLOW_BIN ?? "../../target/debug/orderflow";

export class Shop {
  private process: ChildProcess | null = null;
  private readonly data = mkdtempSync(join(tmpdir(), "orderflow-console-"));
  url = "";

  constructor(private readonly settings: Record<string, string>) {}

  /** Starts the program, on the port that it had before if it ran before. */
  async start(): Promise<void> {
    const port = this.url === "" ? "0" : new URL(this.url).port;
    const started = spawn(PROGRAM, ["up", "--port", port, "--data-dir", this.data], {
      env: { PATH: process.env.PATH, ORDERFLOW_RETRY_BASE_MS: "100", ...this.settings },
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.process = started;
    for await (const line of createInterface({ input: started.stdout })) {
      const listening = /listening on (\S+)/.exec(line);
      if (listening) {
        this.url = listening[1] as string;
        started.stdout.resume();
        return;
      }
    }
    throw new Error("the program ended before it listened");
  }

  async stop(): Promise<void> {
    const ended = this.process && once(this.process, "exit");
    this.process?.kill("SIGTERM");
    await ended;
    this.process = null;
  }

  async remove(): Promise<void> {
    if (this.process) await this.stop();
    rmSync(this.data, { recursive: true, force: true });
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  place(email = "c100@example.com", sku = "PRODUCT-002", quantity = 1): Promise<unknown> {
    return this.call("POST", "orders", { customer_id: "C100", email, items: [{ sku, quantity }] });
  }
}

interface Fixtures {
  /** Settings of the shop, as environment variables. */
  settings: Record<string, string>;
  shop: Shop;
  /** Messages of the browser's console that a test expects. */
  expected: RegExp[];
  page: Page;
}

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],
  expected: [[], { option: true }],
  shop: async ({ settings }, use) => {
    const shop = new Shop(settings);
    await shop.start();
    await use(shop);
    await shop.remove();
  },
  // It depends on the shop, which therefore ends after it.
  page: async ({ page, expected, shop: _ }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !expected.some((pattern) => pattern.test(text))) errors.push(text);
    });
    await use(page);
    await page.goto("about:blank");
    expect(errors, "the browser's console").toEqual([]);
  },
});

export { expect };
