// The snippet of the README, and a wrong variant of its network.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");

export const snippet = text.match(/```js\n([^]*?)```/)[1];

/** The first lines of the snippet: the import and the network. */
export const network = snippet.slice(0, snippet.indexOf("const goldens"));

/** Returns source text in which the network multiplies by the transpose of its recurrent weights. */
export function transposed(source) {
  const wrong = source.replace("hh[i * hidden + j]", "hh[j * hidden + i]");
  assert.notEqual(wrong, source);
  return wrong;
}
