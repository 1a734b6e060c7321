// Copies the files of Swagger UI that the page needs from node_modules into this folder, the large ones compressed. With `--check` it
// compares them instead: compressed bytes differ between versions of zlib, so it compares the content.

import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

const here = (path) => new URL(path, import.meta.url);
const COMPRESSED = ["swagger-ui.css", "swagger-ui-bundle.js"];
const PLAIN = ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"];

// Without the last line, which names a file that is not checked in.
const source = (name) =>
  Buffer.from(readFileSync(here(`node_modules/swagger-ui-dist/${name}`), "utf8").replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*\n?$/, "\n"));

const files = [
  ...COMPRESSED.map((name) => [`${name}.gz`, source(name), (bytes) => gzipSync(bytes, { level: 9 }), gunzipSync]),
  ...PLAIN.map((name) => [name, source(name), (bytes) => bytes, (bytes) => bytes]),
];

for (const [name, content, pack, unpack] of files) {
  if (!process.argv.includes("--check")) {
    writeFileSync(here(name), pack(content));
  } else if (!unpack(readFileSync(here(name))).equals(content)) {
    console.error(`${name} is old: run \`npm ci && npm run vendor\` in shared/api-page/swagger-ui`);
    process.exitCode = 1;
  }
}
