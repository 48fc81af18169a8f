// A headless Chromium loads the package as native modules, without a bundler.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { entries, version } from "rnn-goldens";
import { installed, temporaryFolder } from "./installed.js";
import { network, transposed } from "./readme.js";

const page = `<!doctype html>
<link rel="icon" href="data:,">
<pre></pre>
<script type="importmap">{"imports": {"rnn-goldens": "./node_modules/rnn-goldens/src/index.js"}}</script>
<script type="module" src="checks.js"></script>
`;

const checks = `
${network.replace("{ check, select }", "{ check, compare, entries, select, version }")}
${transposed(network.slice(network.indexOf("function"))).replace("myRnn", "wrongRnn")}
const goldens = await select({ cell: "rnn_tanh", without: ["multilayer", "bidirectional", "lengths", "unbatched"] });
for (const golden of goldens) check(golden, myRnn(golden));
const wrong = goldens.map((golden) => compare(golden, wrongRnn(golden))).filter(({ passed }) => !passed);
const counts = { entries: entries.length, goldens: goldens.length, wrong: wrong.length };
const found = { ...counts, version, message: wrong[0].message };
document.querySelector("pre").textContent = JSON.stringify(found);
`;

const requested = [];
let server;

before(async () => {
  const project = installed();
  const generated = { "/": page, "/checks.js": checks };
  server = createServer(async ({ url }, response) => {
    requested.push(url);
    const type = url === "/" ? "text/html" : "text/javascript";
    try {
      const content = generated[url] ?? (await readFile(join(project, normalize(url))));
      response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(() => server.close());

test("a page checks a right and a wrong network, and loads only the folders that it selects", async () => {
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000", "--dump-dom"];
  const profile = `--user-data-dir=${temporaryFolder()}`;
  const address = `http://127.0.0.1:${server.address().port}/`;
  const { stdout } = await promisify(execFile)("chromium", [...options, profile, address]);
  const found = JSON.parse(stdout.match(/<pre>(.*?)<\/pre>/s)[1] || "{}");
  assert.match(found.message ?? stdout, /^rnn-tanh\/one-step-with-state in float32: out is first wrong at time step/);
  assert.deepEqual([found.entries, found.goldens, found.wrong], [entries.length, 60, 37]);
  assert.equal(found.version, version);
  const data = requested.filter((url) => url.includes("/data/")).map((url) => url.split("/").at(-1));
  assert.deepEqual(data.toSorted(), ["index.js", "rnn-tanh.js", "sizes-rnn-tanh.js"]);
});
