// The largest distance of a correct implementation from the expected values, for each element. The order of operations
// is that of the Python package, so that both compute the same bits.

import { precisions } from "./precision.js";

const HALF_SAFETY = 1.5; // half precisions round so coarsely that second-order terms, which the bound omits, matter

/**
 * Returns the largest allowed absolute error of each element of an output.
 *
 * A recurrence may be computed in chunks, and in half precisions it is float32 inside: the default profile.
 */
export function allowedErrors(tolerance, output, expected, dtype) {
  if (tolerance.kind === "exact" || tolerance.kind === "equal") return new Float64Array(expected.length);
  const { roundoff, smallest, isHalf } = precisions[dtype];
  const wide = isHalf ? precisions.float32.roundoff : roundoff;
  const factor = isHalf ? HALF_SAFETY : 1;
  const [accumulation, state, storage] = ["accumulation", "state", "storage"].map((kind) => tolerance[kind]?.[output]);
  const bound =
    tolerance.kind === "bound"
      ? (i) => accumulation[i] * wide + storage[i] * roundoff
      : (i) => accumulation[i] * wide + state[i] * wide + storage[i] * wide;
  return Float64Array.from(expected, (value, i) => factor * bound(i) + roundoff * Math.abs(value) + smallest);
}
