import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "./shop";

const PAGES = ["", "orders", "orders/new", "dead-letters", "consumers", "products", "payments", "customers?id=C100", "analytics", "break-it"];

for (const [width, colorScheme] of [[1440, "light"], [380, "dark"]] as const) {
  test(`every page is accessible and fits at ${width} px`, async ({ browser, shop }, info) => {
    await shop.place();
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    await page.goto(shop.url);
    await expect(page.getByText("Everything works.")).toBeVisible();
    for (const path of PAGES) {
      await page.goto(`${shop.url}/#/${path}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(page.getByText("Loading…")).toHaveCount(0);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), path).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
      await page.screenshot({ path: info.outputPath(`${path.replace(/\W/g, "-") || "overview"}.png`), fullPage: true });
    }
    await context.close();
  });
}

test.describe("while the server is away", () => {
  test.use({ expected: [/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|network error/i] });

  test("the console says so, and goes on when it is back", async ({ page, shop }) => {
    await page.goto(shop.url);
    await expect(page.getByText("Everything works.")).toBeVisible();
    await shop.stop();
    await expect(page.getByText("The server does not report.")).toBeVisible();
    await shop.start();
    await expect(page.getByText("The server does not report.")).toHaveCount(0);
    await shop.place();
    await expect(page.getByText("1 confirmed, 0 rejected")).toBeVisible();
  });
});

test("a reload in the middle shows the same page", async ({ page, shop }) => {
  const { id } = (await shop.place()) as { id: string };
  await page.goto(`${shop.url}/#/orders/${id}`);
  await expect(page.getByRole("status").filter({ hasText: "confirmed" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("status").filter({ hasText: "confirmed" })).toBeVisible();
});

test("all pages are reached by the keyboard", async ({ page, shop }) => {
  await page.goto(shop.url);
  await expect(page.getByText("Everything works.")).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await page.getByRole("link", { name: "Orders", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Orders" })).toBeFocused();
});
