// The package as npm packs it, and as a user installs it.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { installed, packed, source, temporaryFolder } from "./installed.js";
import { snippet, transposed } from "./readme.js";

let project;

before(() => {
  project = installed();
});

/** Runs a program in the project. */
function node(text) {
  writeFileSync(join(project, "my_rnn.mjs"), text);
  return spawnSync(process.execPath, ["my_rnn.mjs"], { cwd: project, encoding: "utf8" });
}

test("the README's snippet passes as typed", () => {
  const { status, stdout, stderr } = node(snippet);
  assert.equal(stderr, "");
  assert.equal(stdout, "60 goldens passed\n");
  assert.equal(status, 0);
});

test("the documentation has the README's snippet", () => {
  const page = readFileSync(join(source, "../docs/javascript.md"), "utf8");
  assert.ok(page.includes(snippet));
});

test("a wrong network ends with the message, without a dump of the verdict", () => {
  const { status, stderr } = node(transposed(snippet));
  assert.equal(status, 1);
  const message = stderr.match(/^GoldenMismatch: [^]*?(?=\n {4}at )/m)[0];
  const page = readFileSync(join(source, "../docs/javascript.md"), "utf8");
  assert.ok(page.includes("```\n" + message + "\n```"), message);
  assert.doesNotMatch(stderr, /largestError/);
});

test("the package has sources, data, types, README and license, and no dependency", () => {
  const { path, files, unpackedSize } = packed(temporaryFolder());
  const inFolder = (folder) => readdirSync(join(source, folder)).map((name) => `${folder}/${name}`);
  const modules = ["src", "data"].flatMap(inFolder);
  assert.deepEqual(files.toSorted(), ["LICENSE", "README.md", "package.json", ...modules].toSorted());
  assert.ok(statSync(path).size < 1.6e6 && unpackedSize < 14e6, `${statSync(path).size} ${unpackedSize}`);
  const dependencies = readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."));
  assert.deepEqual(dependencies, ["rnn-goldens"]);
  assert.equal(readFileSync(join(source, "LICENSE"), "utf8"), readFileSync(join(source, "../LICENSE"), "utf8"));
});

test("packing gives the same bytes twice, also when files are newer", () => {
  const first = readFileSync(packed(temporaryFolder()).path);
  const now = new Date();
  for (const name of readdirSync(join(source, "data"))) utimesSync(join(source, "data", name), now, now);
  assert.ok(first.equals(readFileSync(packed(temporaryFolder()).path)));
});

test("the types compile in strict TypeScript", () => {
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"];
  execFileSync("npx", ["tsc", ...options, "tests/types.ts"], { cwd: source, stdio: "inherit" });
});
