import { createHmac } from "node:crypto";
import { expect, test } from "./shop";

const SECRET = "a secret of the tests that is long enough";
const ALL = ["Overview", "Orders", "Dead letters", "Consumers", "Products and stock", "Payments", "Customers", "Analytics", "Break it"];

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenWith(scope: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ iss: "https://issuer.test/", aud: "orderflow", sub: "C100", exp: now + 600, scope })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

test.use({
  settings: { ORDERFLOW_AUTH: "jwt", JWT_SECRET: SECRET, JWT_ISSUER: "https://issuer.test/", JWT_AUDIENCE: "orderflow" },
  expected: [/401|403/],
});

const SEEN: [scope: string, pages: string[]][] = [
  ["admin", ALL],
  ["operate", ["Overview", "Orders", "Dead letters", "Consumers", "Products and stock", "Customers", "Analytics", "Break it"]],
  ["orders:read", ["Orders", "Products and stock", "Payments"]],
  ["payments:refund", ["Orders", "Products and stock", "Payments"]],
  ["catalog:write", ["Orders", "Products and stock"]],
  ["inventory:write", ["Orders", "Products and stock"]],
  ["messages:send", ["Orders", "Products and stock"]],
  ["", ["Orders", "Products and stock"]],
];

for (const [scope, pages] of SEEN) {
  test(`a token with the scope "${scope}" shows what it allows`, async ({ page, shop }) => {
    await page.goto(shop.url);
    await page.getByLabel("Token").fill(tokenWith(scope));
    await page.getByRole("button", { name: "Sign in" }).click();
    const links = page.getByRole("navigation").getByRole("listitem");
    await expect(links).toHaveText([...pages, "API"]);
    await page.getByRole("link", { name: "Products and stock" }).click();
    await expect(page.getByRole("row", { name: /Laptop/ })).toBeVisible();
    await expect(page.getByRole("button", { name: "Add a product" })).toHaveCount(["admin", "catalog:write"].includes(scope) ? 1 : 0);
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  });
}

test("a wrong token is asked for again", async ({ page, shop }) => {
  await page.goto(shop.url);
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});
