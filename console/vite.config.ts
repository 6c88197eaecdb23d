// How the page is built: files with hashed names, nothing inline, since the server's policy allows neither.
import { defineConfig } from "vitest/config";
import { writeOutlines } from "./make/outline_files.ts";
import { withoutWebGpuShaders } from "./make/shaders.ts";

const EXCHANGE = "http://127.0.0.1:8440";

writeOutlines();

export default defineConfig({
  plugins: [withoutWebGpuShaders()],
  base: "/console/",
  publicDir: false, // every file goes through the build, so that its name holds a hash and may be kept for ever
  build: {
    outDir: "../src/detente/console/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
    chunkSizeWarningLimit: 2_000,
  },
  // `npm run dev` serves the page from its sources and asks a running exchange for the rest.
  server: { proxy: { "/v1": EXCHANGE, "/console/session": EXCHANGE, "/console/passkeys": EXCHANGE } },
  test: { include: ["src/**/*.test.ts", "tests/**/*.test.ts"] },
});
