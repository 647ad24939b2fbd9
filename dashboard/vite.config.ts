import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

// Django serves the build under /static/dashboard/ and index.html at every page of the dashboard.
export default defineConfig({
  base: "/static/dashboard/",
  plugins: [vue()],
  build: { target: "es2022", sourcemap: false, chunkSizeWarningLimit: 400, assetsInlineLimit: 0 },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": process.env["HQ_BACKEND"] ?? "http://127.0.0.1:8000",
      "/ws": { target: process.env["HQ_BACKEND"] ?? "http://127.0.0.1:8000", ws: true },
    },
  },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
