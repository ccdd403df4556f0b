// Forward passes of one image of `seed` in headless Chromium: a worker of bench/run (protocol: bench/peers/serve.py).
//
//   node run.mjs seamripper|onnxruntime-web wasm=FILE model=FILE weights=FILE pixels=FILE [out=FILE] [chromium=FILE]
//
// Both get the image from an array and give ten logits in an array at every call, on the page's one thread. A number is
// the median over blocks of 20 calls, µs a call. The page is isolated, so that the browser's clock is exact to 5 µs.

import { createServer } from "node:http";
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [kind, ...pairs] = process.argv.slice(2);
const options = Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";
const TYPES = { mjs: "text/javascript", wasm: "application/wasm", html: "text/html" };

async function content(path) {
  if (path === "/index.html") return "<!doctype html><title>bench</title>";
  if (path === "/page.mjs") return readFile(new URL("page.mjs", import.meta.url));
  if (path.startsWith("/files/")) return readFile(options[path.slice(7).replace(/\.wasm$/, "")]);
  return readFile(new URL(`node_modules/onnxruntime-web/dist/${path.slice(5)}`, import.meta.url));
}

const server = createServer(async (request, response) => {
  const path = request.url.split("?")[0];
  try {
    const body = await content(path);
    response.writeHead(200, {
      "Content-Type": TYPES[path.split(".").pop()] ?? "application/octet-stream",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const executablePath = options.chromium ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: FLAGS.split(" ") });
const page = await browser.newPage();
page.on("console", (message) => console.error(message.text()));
await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
const logits = await page.evaluate(async (kind) => {
  const { prepare } = await import("/page.mjs");
  return prepare(kind);
}, kind);
if (options.out) await writeFile(options.out, Buffer.from(new Float32Array(logits).buffer));
console.log(`ready browser=${browser.version()}`);
for await (const line of createInterface({ input: process.stdin })) {
  const microseconds = await page.evaluate(async (seconds) => {
    const { measure } = await import("/page.mjs");
    return measure(seconds);
  }, Number(line));
  console.log(microseconds);
}
await browser.close();
server.close();
