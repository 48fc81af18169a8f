// Compares the outputs of an implementation with a golden.

import { cells } from "../data/index.js";
import { compared, notComparable } from "./differences.js";
import { failureText, passed } from "./failure_text.js";
import { storedData } from "./golden.js";
import { NotNumbers, read } from "./outputs.js";

/** Thrown for outputs that differ from a golden. `verdict` is the result of the comparison. */
export class GoldenMismatch extends Error {
  constructor(verdict) {
    super(verdict.message);
    // Not enumerable, so that a console prints the message alone.
    Object.defineProperties(this, { name: { value: "GoldenMismatch" }, verdict: { value: verdict } });
  }
}

/** Throws GoldenMismatch unless the outputs are right. */
export function check(golden, outputs) {
  const verdict = compare(golden, outputs);
  if (!verdict.passed) throw new GoldenMismatch(verdict);
}

/** Returns the verdict on outputs by name. */
export function compare(golden, outputs) {
  const stored = storedData(golden);
  const names = cells[golden.cell].outputs;
  if (outputs === null || typeof outputs !== "object" || Array.isArray(outputs) || ArrayBuffer.isView(outputs)) {
    throw new TypeError(`outputs are passed by name: check(golden, { ${names.join(", ")} })`);
  }
  const about = description(golden, stored);
  const differences = names.map((name) => differenceOf(golden, stored, about, name, outputs[name]));
  for (const name of unexpected(golden.cell, outputs)) {
    differences.push(notComparable(name, `was given, but a golden for ${golden.cell} has no ${name}`));
  }
  const isRight = differences.every(passed);
  return Object.freeze({
    passed: isRight,
    largestError: Math.max(...differences.map(({ largestError }) => largestError)),
    differences: Object.freeze(Object.fromEntries(differences.map((found) => [found.output, found]))),
    message: isRight ? "" : failureText(about, differences),
  });
}

/** Returns what a comparison and its text need to know about a golden. */
function description(golden, stored) {
  const { id, dtype, purpose, config, cell } = golden;
  const input = Object.values(stored.inputs)[0];
  return {
    id,
    dtype,
    purpose,
    outputs: cells[cell].outputs,
    axes: cells[cell].axes && axesOf(cells[cell], config), // of a recurrence
    isExact: stored.tolerance.kind === "exact" || stored.tolerance.kind === "equal",
    tolerance: stored.tolerance,
    embedding: stored.embedding, // larger sizes, and the golden's own places in them
    lengths: stored.lengths?.data,
    time: cells[cell].axes ? input.shape[1] : input.shape.at(-2),
    directions: config.bidirectional ? 2 : 1,
    outputSize: config.proj_size || config.hidden_size,
  };
}

/** Returns the axes of the outputs of a recurrence: an optional size of its configuration may change some. */
function axesOf({ axes, axesWith }, config) {
  const changed = Object.keys(axesWith).filter((size) => size in config);
  return Object.assign({}, axes, ...changed.map((size) => axesWith[size]));
}

function differenceOf(golden, stored, about, name, value) {
  let actual;
  try {
    actual = read(value);
  } catch (error) {
    if (!(error instanceof NotNumbers)) throw error;
    return notComparable(name, error.message);
  }
  refuseOwnArrays(golden, actual);
  return compared(about, name, actual, { ...stored.expected[name], allowed: stored.allowed[name] });
}

function refuseOwnArrays(golden, { buffers }) {
  for (const [name, { data }] of Object.entries(golden.expected)) {
    if (buffers.has(data.buffer)) {
      throw new TypeError(
        `${golden.id}: an output is the golden's own expected ${name}, which would be compared with itself; ` +
          "pass the outputs of your implementation",
      );
    }
  }
}

/** Returns names of outputs that were given but that the cell does not have. */
function unexpected(cell, outputs) {
  const known = [...cells[cell].outputs, ...cells[cell].notCompared];
  return Object.keys(outputs).filter((name) => !known.includes(name) && (outputs[name] ?? null) !== null);
}
