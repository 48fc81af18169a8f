// Reads outputs of any library: shape, numbers and type.

import { decoders } from "./precision.js";

const TYPES = {
  Float64Array: "float64",
  Float32Array: "float32",
  Float16Array: "float16",
  Int8Array: "int8",
  Int16Array: "int16",
  Int32Array: "int32",
  Uint8Array: "uint8",
  Uint8ClampedArray: "uint8",
  Uint16Array: "uint16",
  Uint32Array: "uint32",
};

const BITS = { float64: 53, float32: 24, float16: 11, bfloat16: 8 };

const NOT_REAL = ["bool", "string", "complex64", "complex128"]; // types of tensors that have numbers, but mean others

/** Thrown for an output without real numbers. The text completes a sentence that begins with the output's name. */
export class NotNumbers extends Error {}

/** Returns the significant bits of a type; undefined if it is exact. */
export const bitsOf = (dtype) => BITS[dtype];

/**
 * Reads one output: `{ shape, data }`, a tensor of ONNX Runtime or TensorFlow.js, or nested arrays.
 *
 * Returns its shape, its values as a Float64Array, the name of its type, and the buffers that its numbers are in.
 */
export function read(value) {
  if (value === undefined || value === null) {
    throw new NotNumbers(`is ${value}: the implementation returned nothing for it`);
  }
  if (typeof value === "number" || Array.isArray(value) || typedArrayName(value)) return nested(value);
  const shape = value.shape ?? value.dims;
  if (typeof value !== "object" || shape === undefined) {
    throw new NotNumbers(`is ${described(value)}, not { shape, data }, a tensor or nested arrays`);
  }
  return tensor(value, [...shape]);
}

function tensor(value, shape) {
  const declared = value.dtype ?? value.type;
  if (NOT_REAL.includes(declared)) throw new NotNumbers(`holds ${declared}, not real numbers`);
  if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new NotNumbers(`has an invalid shape, [${shape.map(described).join(", ")}]`);
  }
  const data = dataOf(value);
  const { values, dtype } = numbers(data, declared);
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (values.length !== size) {
    throw new NotNumbers(`has shape ${shapeText(shape)}, ${size} elements, but its data has ${values.length}`);
  }
  return { shape, values, dtype, buffers: new Set([data.buffer]) };
}

function dataOf(value) {
  let data;
  try {
    data = typeof value.dataSync === "function" ? value.dataSync() : value.data;
  } catch (error) {
    throw new NotNumbers(`is a tensor whose data cannot be read: ${error.message}`);
  }
  if (Array.isArray(data) || typedArrayName(data)) return data;
  throw new NotNumbers(`has data that is ${described(data)}, not a typed array or an array of numbers`);
}

/** Returns flat numbers and their type. Half-precision numbers in a Uint16Array are decoded if the tensor says so. */
function numbers(data, declared) {
  const name = typedArrayName(data);
  if (name === "Uint16Array" && declared in decoders) {
    return { values: Float64Array.from(data, decoders[declared]), dtype: declared };
  }
  if (name) {
    if (!(name in TYPES)) throw new NotNumbers(`holds ${name}, not numbers of a precision`);
    return { values: Float64Array.from(data), dtype: TYPES[name] };
  }
  for (let i = 0; i < data.length; i++) {
    if (typeof data[i] !== "number") throw new NotNumbers(`has ${described(data[i])} at index ${i}, not a number`);
  }
  return { values: Float64Array.from(data), dtype: "float64" };
}

/** Reads nested arrays, whose rows may be typed arrays. Their type is that of the least precise row. */
function nested(value) {
  const shape = [];
  for (let part = value; isList(part); part = part[0]) shape.push(part.length);
  const flat = [];
  const [types, buffers] = [new Set(), new Set()];
  flatten(value, shape, [], flat, types, buffers);
  const leastFirst = [...types].sort((a, b) => (bitsOf(a) ?? Infinity) - (bitsOf(b) ?? Infinity));
  return { shape, values: Float64Array.from(flat), dtype: leastFirst[0] ?? "float64", buffers };
}

function flatten(value, shape, index, flat, types, buffers) {
  const at = index.length ? `[${index.join("][")}]` : "";
  if (index.length === shape.length) {
    if (typeof value !== "number") throw new NotNumbers(`has ${described(value)} at ${at}, not a number`);
    flat.push(value);
    return;
  }
  if (!isList(value)) throw new NotNumbers(`has ${described(value)} at ${at}, not an array like its first row`);
  if (value.length !== shape[index.length]) {
    const lengths = `${at} has ${value.length}, the first has ${shape[index.length]}`;
    throw new NotNumbers(`has rows of different lengths: ${lengths}`);
  }
  if (index.length === shape.length - 1) {
    types.add(typeOfRow(value));
    buffers.add(value.buffer);
  }
  for (let i = 0; i < value.length; i++) flatten(value[i], shape, [...index, i], flat, types, buffers);
}

function typeOfRow(row) {
  const name = typedArrayName(row);
  if (name && !(name in TYPES)) throw new NotNumbers(`holds ${name}, not numbers of a precision`);
  return name ? TYPES[name] : "float64";
}

const isList = (value) => Array.isArray(value) || typedArrayName(value) !== undefined;

/** Returns the class of a typed array, also of another realm such as a frame; undefined for other values. */
function typedArrayName(value) {
  return ArrayBuffer.isView(value) ? value[Symbol.toStringTag] : undefined;
}

/** Returns a shape as Python writes it, as in the messages of the Python package. */
export function shapeText(shape) {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

function described(value) {
  if (value === null || ["undefined", "boolean", "number", "symbol"].includes(typeof value)) return String(value);
  if (typeof value === "bigint") return `a BigInt, ${value}n`;
  if (typeof value === "string") return `the string ${JSON.stringify(value)}`;
  const kind = typeof value === "function" ? "function" : (value.constructor?.name ?? "object without a prototype");
  return `${/^[AEIOUaeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}
