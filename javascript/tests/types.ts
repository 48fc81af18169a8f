// Compiled by package.test.js: the types accept what the documentation says, and reject mistakes.

import * as ort from "onnxruntime-web";
import * as tf from "@tensorflow/tfjs";
import { check, compare, entries, GoldenMismatch, load, select, version, type Golden, type Verdict } from "rnn-goldens";

const text: string = version + entries[0].id;
const golden: Golden = await load("lstm/plain", { dtype: "float16" });
const goldens: Golden[] = await select({ cell: ["lstm", "gru"], without: "lengths" });
const numbers: Float64Array | Float32Array | Int8Array | Int16Array | Int32Array = golden.weights.weight_ih_l0.data;

check(golden, { out: { shape: [1], data: [0] }, h_n: new ort.Tensor("float32", [0], [1]), c_n: tf.tensor([0]) });
const verdict: Verdict = compare(goldens[0], { out: [[0, 1], [2, 3]], h_n: [new Float32Array(2)], c_n: undefined });
const mismatch: Verdict = new GoldenMismatch(verdict).verdict;

// @ts-expect-error: no such precision
await load("lstm/plain", { dtype: "float8" });
// @ts-expect-error: no such argument
await select({ cells: "lstm" });
// @ts-expect-error: outputs are passed by name
check(golden, ["out", "h_n"]);
// @ts-expect-error: a string is not an output
check(golden, { out: "1", h_n: 0n });
// @ts-expect-error: x may be null
golden.x.data;
// @ts-expect-error: a golden is read-only
golden.dtype = "float64";

export { mismatch, numbers, text };
