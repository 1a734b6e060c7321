import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [preact()],
  base: "./",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      // Fixed names: the Rust crate embeds the files by name, and serves them with a policy that allows only its own origin.
      output: {
        entryFileNames: "console.js",
        inlineDynamicImports: true,
        assetFileNames: (asset) => (asset.names.some((name) => name.endsWith(".css")) ? "console.css" : "[name][extname]"),
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/health": "http://127.0.0.1:8080", "/docs": "http://127.0.0.1:8080" } },
});
