// `report --serve`: pictures come tile by tile, as they are looked at, and the lab has all of them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { launch, show } from "./browser.mjs";
import { folder, shot } from "./reports.mjs";

let browser, program, url;
before(async () => {
  browser = await launch();
  program = spawn(process.env.PROGRAM, ["report", join(folder, "run"), "--serve", "--quiet"], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: program.stdout })) {
    url = line;
    break;
  }
});
after(async () => {
  program.kill();
  await browser.close();
});

test("pictures are fetched as they are looked at", async () => {
  const page = await browser.newPage();
  const problems = [];
  const tiles = new Set();
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("blob:") && !request.url().startsWith("data:")) problems.push(request.url());
    if (request.url().includes("/tiles/")) tiles.add(request.url());
  });
  await page.goto(`${url}#images?true=6&predicted=6&order=id`);
  await page.waitForSelector(".gallery .thumb canvas");
  const all = await page.evaluate(() => Math.ceil(window.seamripper.table.value.pictures.count / 256));
  assert.ok(tiles.size > 0 && tiles.size < all, `${tiles.size} of ${all} tiles`);
  await page.waitForFunction(() => document.querySelectorAll(".gallery .blank").length === 0);
  await shot(page, "served");
  // A filter off: the lab counts over all pictures, so all tiles come.
  await show(page, "#lab?off=conv1.0");
  await page.waitForFunction(() => {
    const scores = document.querySelector("[data-testid=scores]");
    return scores && scores.dataset.done === scores.dataset.total && scores.dataset.total === "10000";
  }, null, { timeout: 240_000 });
  assert.equal(tiles.size, all, "each once");
  assert.deepEqual(problems, []);
  await page.close();
});
