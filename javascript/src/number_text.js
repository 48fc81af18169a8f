// Numbers as text, as the Python package writes them, so that messages are equal.

import { precisions } from "./precision.js";

/** Returns the shortest decimal that a precision reads back as the same number: `0.1`, `1e-05`, `nan`. */
export function shortest(value, dtype = "float64") {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits, exponent] = parts(shortestExponential(value, dtype));
  const sign = value < 0 ? "-" : "";
  if (exponent < -4 || exponent >= 16) return sign + exponential(digits, exponent);
  const text = fixed(digits, exponent);
  return sign + (text.includes(".") ? text : `${text}.0`);
}

/** Returns a number with some significant digits, as Python's format `g`. */
export function general(value, significant) {
  if (!Number.isFinite(value)) return shortest(value);
  const [digits, exponent] = parts(roundedToEven(value, significant));
  const kept = digits.replace(/0+$/, "") || "0";
  const text = exponent < -4 || exponent >= significant ? exponential(kept, exponent) : fixed(kept, exponent);
  return (value < 0 ? "-" : "") + text;
}

/** Returns a whole number with commas: `1,234`. */
export const grouped = (count) => count.toLocaleString("en-US");

/** Returns a number and a noun in the singular or plural. */
export const counted = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

function shortestExponential(value, dtype) {
  if (dtype === "float64") return value.toExponential();
  const { round } = precisions[dtype];
  for (let digits = 1; digits <= 17; digits++) {
    const text = roundedToEven(value, digits);
    if (round(Number(text)) === value) return text;
  }
  return value.toExponential();
}

/** Returns the text of toExponential, but of two decimals that are equally near the even one, not the larger one. */
function roundedToEven(value, significant) {
  const [digits, exponent] = parts(value.toExponential(100)); // a value between two decimals has few digits
  const isBetween = /^50*$/.test(digits.slice(significant));
  if (!isBetween || digits[significant - 1] % 2) return value.toExponential(significant - 1);
  return (value < 0 ? "-" : "") + exponential(digits.slice(0, significant), exponent);
}

/** Splits the text of toExponential into its digits and the exponent of the first one. */
function parts(text) {
  const [digits, exponent] = text.replace("-", text.startsWith("-") ? "" : "-").split("e");
  return [digits.replace(".", ""), Number(exponent)];
}

function exponential(digits, exponent) {
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function fixed(digits, exponent) {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  if (exponent >= digits.length - 1) return digits + "0".repeat(exponent - digits.length + 1);
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}
