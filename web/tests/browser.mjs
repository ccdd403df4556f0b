// Chromium with no network, a fresh profile, and a list of what went wrong in the page.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

export const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const found = existsSync(executablePath);

export async function launch() {
  return chromium.launch({ executablePath, args: FLAGS.split(" ") });
}

/// A page at `file`, offline. `problems` fills with console errors, exceptions and every request that is not the file itself.
export async function open(browser, file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, offline: true, acceptDownloads: true, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("file:") && !url.startsWith("blob:") && !url.startsWith("data:")) problems.push(`request: ${url}`);
  });
  await page.goto(`file://${file}${options.hash ?? ""}`);
  return { context, page, problems };
}

/// Shows another view by its address, as a click on a link would.
export async function show(page, hash) {
  await page.evaluate((hash) => (location.hash = hash), hash);
}
