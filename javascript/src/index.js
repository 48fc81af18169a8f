// Golden data for recurrent networks: load a golden and compare an implementation with it. Types: index.d.ts.

import { entries as listed, version } from "../data/index.js";

for (const entry of listed) {
  Object.freeze(entry.features);
  Object.freeze(entry.precisions);
  Object.freeze(entry);
}

/** Every golden, from simple to hard, without its data. */
export const entries = Object.freeze(listed);

export { version };
export { load, select } from "./golden.js";
export { GoldenMismatch, check, compare } from "./compare.js";
