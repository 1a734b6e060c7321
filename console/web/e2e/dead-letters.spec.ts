import { MailServer } from "./smtp";
import { expect, test as base, Shop } from "./shop";

const test = base.extend<{ mail: MailServer }>({
  mail: async ({}, use) => {
    const mail = new MailServer();
    await use(mail);
    mail.stop();
  },
  shop: async ({ mail }, use) => {
    const shop = new Shop({ SMTP_URL: `smtp://127.0.0.1:${await mail.start()}`, MAIL_FROM: "shop@example.com" });
    await shop.start();
    await use(shop);
    await shop.remove();
  },
});

test("a dead letter is repaired, replayed and handled", async ({ page, shop, mail }) => {
  mail.refuses = (recipient) => recipient === "wrong@example.com";
  await shop.place("wrong@example.com");
  await page.goto(`${shop.url}/#/dead-letters`);
  await expect(async () => {
    await page.getByRole("button", { name: "Read again" }).click();
    await expect(page.getByRole("link", { name: "order.confirmed" })).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await page.getByRole("link", { name: "order.confirmed" }).click();
  await expect(page.getByText("message-refused")).toBeVisible();
  const editor = page.getByLabel(/Event, as JSON/);
  await editor.fill((await editor.inputValue()).replace("wrong@example.com", "right@example.com"));
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("The message is saved.")).toBeVisible();
  await page.getByRole("button", { name: "Replay" }).click();
  await expect(page.getByText("There are no dead letters.")).toBeVisible();
  await expect.poll(() => mail.received).toContain("right@example.com");
});

test("200 dead letters are replayed by their code, with progress", async ({ page, shop, mail }) => {
  for (let number = 0; number < 200; number++) await shop.place(`c${number}@example.com`);
  await page.goto(`${shop.url}/#/dead-letters`);
  await expect(async () => {
    await page.getByRole("button", { name: "Read again" }).click();
    await expect(page.getByRole("row", { name: /notification message-refused 200/ })).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 45_000 });
  mail.refuses = () => false;
  await page.getByRole("button", { name: "Replay message-refused of notification" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
  await expect(page.getByRole("progressbar")).toBeVisible();
  await expect(page.getByText("200 of 200 replayed, done.")).toBeVisible();
  await page.getByRole("button", { name: "Close" }).click();
  await expect(page.getByText("There are no dead letters.")).toBeVisible();
  await expect.poll(() => new Set(mail.received).size).toBe(200);
});
