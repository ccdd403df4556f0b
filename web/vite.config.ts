// One HTML file: script, styles and the worker inside it, and a Content-Security-Policy that allows exactly that script.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

const GLUE = fileURLToPath(new URL("generated/seamripper_viewer.js", import.meta.url));

/// `virtual:viewer` is what wasm-bindgen made, or nothing where the engine could not be built.
function viewer(): Plugin {
  const name = "virtual:viewer";
  return {
    name: "viewer",
    resolveId: (id) => (id === name ? "\0" + name : null),
    load: (id) => {
      if (id !== "\0" + name) return null;
      if (!existsSync(GLUE)) return "export const initSync = null, Viewer = null;";
      return `export { initSync, Viewer } from ${JSON.stringify(GLUE)};`;
    },
  };
}

/// Scripts of the page by their digest, and nothing else: an attribute or element that a name smuggled in would not run.
function policy(): Plugin {
  return {
    name: "policy",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const file of Object.values(bundle)) {
          if (file.type !== "asset" || !file.fileName.endsWith(".html")) continue;
          const html = String(file.source);
          const scripts = [...html.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g)].map((match) => match[1]);
          const digests = scripts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
          const rules = [
            "default-src 'none'",
            `script-src ${digests.join(" ")} blob: 'wasm-unsafe-eval'`,
            "worker-src blob:",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
          ];
          const meta = `<meta http-equiv="Content-Security-Policy" content="${rules.join("; ")}">`;
          file.source = html.replace("<!--policy-->", () => meta);
        }
      },
    },
  };
}

export default defineConfig({
  plugins: [viewer(), viteSingleFile({ removeViteModuleLoader: true }), policy()],
  build: { outDir: "bundle", emptyOutDir: false, target: "es2022", assetsInlineLimit: () => true },
  worker: { format: "iife", plugins: () => [viewer()] },
});
