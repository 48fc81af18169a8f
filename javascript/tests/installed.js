// Packs the package and installs it as a user does.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const source = fileURLToPath(new URL("..", import.meta.url));

/** Returns an empty folder that is removed after the tests. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "rnn-goldens-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Packs the package into a folder; returns the path of the file and the list of what it contains. */
export function packed(folder) {
  const output = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], { cwd: source });
  const [{ filename, files, unpackedSize }] = JSON.parse(output);
  return { path: join(folder, filename), files: files.map(({ path }) => path), unpackedSize };
}

/** Installs the package into an empty project; returns its folder. */
export function installed() {
  const folder = temporaryFolder();
  const { path } = packed(folder);
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), "{}");
  copyFileSync(path, join(project, "rnn-goldens.tgz"));
  const quiet = ["--no-audit", "--no-fund", "--offline"]; // nothing but the package itself is needed
  execFileSync("npm", ["install", ...quiet, "./rnn-goldens.tgz"], { cwd: project, stdio: "pipe" });
  return project;
}
