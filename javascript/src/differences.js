// Compares one output with the expected one: shape and precision first, then every value.

import { bitsOf, shapeText } from "./outputs.js";
import { firstOf, placeOf, timeAxis } from "./place.js";
import { precisions } from "./precision.js";
import { allowedErrors } from "./tolerance.js";

/** Returns the difference of an output that cannot be compared. The problem completes a sentence. */
export function notComparable(output, problem, dtype = "") {
  return difference({ output, problem, dtype, largestError: Infinity });
}

/** Compares an output, as `read` returns it, with what is expected: shape, data and allowed errors. */
export function compared(about, output, actual, expected) {
  const want = expected.shape;
  if (shapeText(actual.shape) !== shapeText(want)) {
    return notComparable(output, shapeProblem(about, output, actual.shape, want), actual.dtype);
  }
  const { bits, isInteger } = precisions[about.dtype];
  if (bitsOf(actual.dtype) < bits && !isInteger) {
    const problem = `is ${actual.dtype}: less precise than the declared ${about.dtype}`;
    return notComparable(output, problem, actual.dtype);
  }
  return valuesCompared(about, output, actual, expected);
}

function difference(fields) {
  const defaults = { problem: null, dtype: "", size: 0, wrong: 0, nan: 0, infinite: 0, first: null, largest: null };
  return Object.freeze({ output: "", ...defaults, timeSteps: [], computedIn: null, largestError: 0, ...fields });
}

function shapeProblem(about, output, got, want) {
  return `has shape ${shapeText(got)}, want ${shapeText(want)}${shapeHint(about, output, got, want)}`;
}

function shapeHint(about, output, got, want) {
  const swapped = [want[1], want[0], ...want.slice(2)];
  const isSwapped = shapeText(got) === shapeText(swapped) && shapeText(got) !== shapeText(want);
  const hasBatch = about.axes || want.length === 3;
  if (timeAxis(about, output, want.length) !== undefined && hasBatch && isSwapped) {
    const axes = about.axes?.[output] ?? [about.directions > 1 ? "direction and unit" : "unit"];
    return `; it looks time-major, ${output} is batch-first: (${["batch", "time", ...axes].join(", ")})`;
  }
  const withoutOnes = (shape) => shapeText(shape.filter((size) => size !== 1));
  return withoutOnes(got) === withoutOnes(want) ? "; only axes of size 1 differ" : "";
}

function valuesCompared(about, output, actual, expected) {
  const { values, dtype } = actual;
  const { data: want, allowed } = expected;
  const error = values.map((value, i) => Math.abs(value - want[i]));
  const wrong = []; // offsets
  for (let i = 0; i < error.length; i++) if (!(error[i] <= allowed[i])) wrong.push(i); // NaN is wrong
  const size = values.length;
  if (!wrong.length) {
    const largestError = error.reduce((most, value, i) => (value ? Math.max(most, value / allowed[i]) : most), 0);
    return difference({ output, dtype, size, largestError });
  }
  const element = (index, at) => {
    const place = placeOf(about, output, index);
    return Object.freeze({ index: Object.freeze(index), got: values[at], want: want[at], allowed: allowed[at], place });
  };
  const first = firstOf(about, output, wrong.map((at) => indexOf(at, expected.shape)));
  const largest = largestOf(wrong, error, values);
  return difference({
    output,
    dtype,
    size,
    wrong: wrong.length,
    nan: values.filter(Number.isNaN).length,
    infinite: values.filter((value) => Math.abs(value) === Infinity).length,
    first: element(first, offsetOf(first, expected.shape)),
    largest: element(indexOf(largest, expected.shape), largest),
    timeSteps: wrongTimes(timeAxis(about, output, expected.shape.length), wrong, expected.shape),
    computedIn: about.isExact ? null : lowerPrecision(values, about, output, want),
    largestError: largestFraction(error, allowed, precisions[about.dtype].minExponent),
  });
}

/** Returns the offset of the wrong element with the largest error; one that is not finite only if none is finite. */
function largestOf(wrong, error, values) {
  const rank = (at) => (Number.isFinite(values[at]) ? error[at] : -1);
  return wrong.reduce((best, at) => (rank(at) > rank(best) ? at : best));
}

/** Returns the largest fraction of the tolerance; infinite where a subnormal tolerance meets a normal error. */
function largestFraction(error, allowed, minExponent) {
  const normal = 2 ** minExponent;
  return error.reduce((most, value, i) => {
    const isInfinite = Number.isNaN(value) || (allowed[i] < normal && value >= normal);
    return Math.max(most, isInfinite ? Infinity : value && value / allowed[i]);
  }, 0);
}

function wrongTimes(axis, wrong, shape) {
  if (axis === undefined) return Object.freeze([]);
  const times = new Set(wrong.map((at) => indexOf(at, shape)[axis]));
  return Object.freeze([...times].sort((a, b) => a - b));
}

/**
 * Returns the lowest precision that represents all values; null if it is the declared one or unknown, and for values
 * that would be wrong in bfloat16: inputs and zeros are bfloat16 numbers, too.
 */
function lowerPrecision(values, { dtype: declared, tolerance }, output, want) {
  if (!values.every(Number.isFinite) || values.every((value) => value === 0)) return null;
  const lower = ["bfloat16", "float16", "float32"].filter((name) => precisions[name].bits < precisions[declared].bits);
  const lowest = lower.find((name) => values.every((value) => precisions[name].round(value) === value)) ?? null;
  if (lowest !== "bfloat16") return lowest;
  const allowed = allowedErrors(tolerance, output, want, lowest);
  return values.every((value, i) => Math.abs(value - want[i]) <= allowed[i]) ? lowest : null;
}

function indexOf(offset, shape) {
  const index = [];
  for (let axis = shape.length - 1, rest = offset; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

const offsetOf = (index, shape) => index.reduce((offset, at, axis) => offset * shape[axis] + at, 0);
