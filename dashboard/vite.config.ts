import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import vue from "@vitejs/plugin-vue";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const backend = process.env["HQ_BACKEND"] ?? "http://127.0.0.1:8000";

/** Writes a .gz beside each asset; the web server hands it out to browsers that take it. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      const folder = join(import.meta.dirname, "dist", "assets");
      for (const name of readdirSync(folder)) {
        if (/\.(js|css)$/.test(name)) writeFileSync(join(folder, `${name}.gz`), gzipSync(readFileSync(join(folder, name)), { level: 9 }));
      }
    },
  };
}

// Django serves the build under /static/dashboard/ and index.html at every page of the dashboard.
export default defineConfig({
  base: "/static/dashboard/",
  plugins: [vue(), compressed()],
  build: { target: "es2022", sourcemap: false, chunkSizeWarningLimit: 400, assetsInlineLimit: 0 },
  server: { host: "127.0.0.1", proxy: { "/api": backend, "/ws": { target: backend, ws: true } } },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
