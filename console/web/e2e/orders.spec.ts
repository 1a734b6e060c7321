import { expect, test } from "./shop";

test("an order is placed and seen confirmed without a reload", async ({ page, shop }) => {
  await page.goto(shop.url);
  await page.getByRole("link", { name: "Place an order" }).click();
  await page.getByRole("button", { name: "Place the order" }).click();
  await expect(page.getByRole("status").filter({ hasText: "confirmed" })).toBeVisible();
  await expect(page.getByText("The payment was charged.")).toBeVisible();
  await expect(page.getByText("Your order")).toBeVisible();
  await page.getByRole("link", { name: "Orders" }).click();
  await expect(page.getByRole("table").getByText("confirmed")).toBeVisible();
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("1 confirmed, 0 rejected")).toBeVisible();
});

test("an order without stock is rejected", async ({ page, shop }) => {
  await page.goto(`${shop.url}/#/orders/new`);
  await page.getByLabel("T-shirt grey, S").fill("11");
  await page.getByLabel("Laptop").fill("0");
  await page.getByRole("button", { name: "Place the order" }).click();
  await expect(page.getByRole("status").filter({ hasText: "out of stock" })).toBeVisible();
});

test("a declined card rejects the order and its stock is free again", async ({ page, shop }) => {
  await page.goto(`${shop.url}/#/orders/new`);
  await page.getByLabel("Card").selectOption("declined");
  await page.getByRole("button", { name: "Place the order" }).click();
  await expect(page.getByRole("status").filter({ hasText: "payment declined" })).toBeVisible();
  await page.getByRole("link", { name: "Products and stock" }).click();
  await expect(page.getByRole("row", { name: /Laptop/ })).toContainText("1000");
});

test.describe("a wrong form", () => {
  test.use({ expected: [/422/] });

  test("names the field", async ({ page, shop }) => {
    await page.goto(`${shop.url}/#/orders/new`);
    await page.getByLabel("E-mail").fill("a..b@example.com");
    await page.getByRole("button", { name: "Place the order" }).click();
    await expect(page.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
    await expect(page).toHaveURL(/orders\/new/);
  });
});

test("orders wait while payment is paused, and complete when it is resumed", async ({ page, shop }) => {
  await page.goto(`${shop.url}/#/consumers`);
  await page.getByRole("button", { name: "Pause payment" }).click();
  await expect(page.getByRole("row", { name: /^payment/ })).toContainText("stopped");
  for (let number = 0; number < 3; number++) await shop.place();
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("payment is stopped: an operator paused it")).toBeVisible();
  await expect(page.getByText("3 wait")).toBeVisible();
  await page.getByRole("link", { name: "resume it" }).click();
  await page.getByRole("button", { name: "Resume payment" }).click();
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("Everything works.")).toBeVisible();
  await expect(page.getByText("3 confirmed, 0 rejected")).toBeVisible();
});
