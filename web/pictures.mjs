// The README's pictures of a report: `node web/pictures.mjs REPORT.html` writes docs/images/report-*.png.

import { resolve } from "node:path";
import { launch, open, show } from "./tests/browser.mjs";

const [file] = process.argv.slice(2);
if (!file) {
  console.error("error: pictures: expected REPORT.html, found nothing\nhint: seamripper report RUN writes one");
  process.exit(2);
}

const PICTURES = [
  ["report-findings", "#findings", 900],
  ["report-lab", "#lab?image=test-00009&rotate=24", 3500],
  ["report-confusion", "#confusion?true=6&predicted=0", 1500],
];

const browser = await launch();
const { page } = await open(browser, resolve(file), { viewport: { width: 1280, height: 780 } });
await page.waitForFunction(() => window.seamripper?.table.value);
for (const [name, hash, wait] of PICTURES) {
  await show(page, hash);
  await page.waitForTimeout(wait);
  await page.screenshot({ path: resolve(import.meta.dirname, `../docs/images/${name}.png`) });
}
await browser.close();
