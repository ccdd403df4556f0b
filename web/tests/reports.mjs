// The reports that scripts/test-page made, and where screenshots go.

import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

export const folder = process.env.REPORTS ?? "";
if (!existsSync(folder)) {
  throw new Error("REPORTS: expected a folder of reports, found none\nhint: scripts/test-page makes them and runs these tests");
}

export const report = (name) => resolve(join(folder, `${name}.html`));

const shots = resolve(import.meta.dirname, "../screenshots");
mkdirSync(shots, { recursive: true });
export const shot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`) });
