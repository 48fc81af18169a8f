// The four precisions that an implementation can be checked in, and the types of integer LSTMs.

export const precisions = {
  float64: precision("float64", 53, -1022, (value) => value),
  float32: precision("float32", 24, -126, Math.fround),
  bfloat16: precision("bfloat16", 8, -126, (value) => rounded(value, 8, -126, 127)),
  float16: precision("float16", 11, -14, (value) => rounded(value, 11, -14, 15)),
  int8: integer("int8", 8),
  int16: integer("int16", 16),
};

/** Nothing rounds: the only precision of an integer golden is the type of its inputs and outputs. */
function integer(name, bits) {
  return { ...precision(name, bits, 0, (value) => value), roundoff: 0, smallest: 0, isHalf: false, isInteger: true };
}

const CARRIERS = { float64: Float64Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: Float64Array };

function precision(name, bits, minExponent, round) {
  return {
    name,
    bits, // significant bits, including the implicit leading bit
    minExponent, // of the smallest normal number
    roundoff: 2 ** -bits,
    smallest: 2 ** (minExponent - bits + 1), // positive number, which is subnormal
    isHalf: bits < 24,
    round, // once, to nearest even
  };
}

/** Returns a new array of the type that carries a precision: JavaScript engines need not have Float16Array. */
export function carrier(dtype, numbers) {
  return (CARRIERS[dtype] ?? Float32Array).from(numbers);
}

function rounded(value, bits, minExponent, maxExponent) {
  if (value === 0 || !Number.isFinite(value)) return value;
  const unit = 2 ** (Math.max(exponentOf(value), minExponent) - bits + 1);
  const size = nearestEven(Math.abs(value) / unit) * unit;
  return Math.sign(value) * (size < 2 ** (maxExponent + 1) ? size : Infinity);
}

const view = new DataView(new ArrayBuffer(8));

/** Returns e with 2^e <= |value| < 2^(e+1); -1023 for a subnormal float64. */
function exponentOf(value) {
  view.setFloat64(0, value);
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
}

/** Returns the nearest whole number of a positive one; of two that are equally near, the even one. */
function nearestEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** Decodes the bits of half-precision numbers, which many engines carry in a Uint16Array. */
export const decoders = {
  float16(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
  },
  bfloat16(bits) {
    view.setUint32(0, bits << 16);
    return view.getFloat32(0);
  },
};
