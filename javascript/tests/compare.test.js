// What check and compare accept, and what they say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check, compare, GoldenMismatch, load } from "rnn-goldens";

const plain = await load("lstm/plain");

/** Returns the right outputs of a golden in arrays of their own, some replaced. */
function right(golden, replaced = {}) {
  return { ...structuredClone(golden.expected), ...replaced };
}

const tensorOf = ({ shape, data }, type = Float32Array) => ({ shape: [...shape], data: type.from(data) });

function nest({ shape: [size, ...rest], data }) {
  if (!rest.length) return [...data];
  const step = data.length / size;
  return Array.from({ length: size }, (_, i) => nest({ shape: rest, data: data.slice(i * step, (i + 1) * step) }));
}

const problem = (value) => compare(plain, right(plain, { out: value })).differences.out.problem;

test("right outputs pass, and the largest error is a fraction of the tolerance", () => {
  const verdict = compare(plain, right(plain));
  assert.equal(verdict.passed, true);
  assert.equal(verdict.message, "");
  assert.ok(verdict.largestError > 0 && verdict.largestError < 0.1);
  check(plain, right(plain));
});

test("a wrong element fails, and the message says where and by how much", () => {
  const outputs = right(plain);
  outputs.out.data[5] += 0.25;
  const wrong = (error) => {
    assert.ok(error instanceof GoldenMismatch && error instanceof Error);
    assert.deepEqual(error.verdict, compare(plain, outputs));
    assert.deepEqual(error.verdict.differences.out.first.index, [0, 1, 2]);
    assert.deepEqual(error.message.split("\n"), [
      "lstm/plain in float32: out is first wrong at time step 1 (batch 0, unit 2): got 0.036409855, want -0.21359015 " +
        "(1 of 24 elements wrong)",
      "  out: 1 of 24 elements wrong at time step 1 of 0 to 3",
      "  out: largest error 0.25 (allowed is 1.22e-06) at time step 1 (batch 0, unit 2): " +
        "got 0.036409855, want -0.21359015",
      "  h_n: all 6 elements right",
      "  c_n: all 6 elements right",
      "  purpose: Two different biases, no initial state: detects a bias that is dropped, doubled or moved.",
    ]);
    return true;
  };
  assert.throws(() => check(plain, outputs), wrong);
});

test("an element at its tolerance passes, and beyond it fails", async () => {
  const exact = await load("lstm/plain", { dtype: "float64" });
  for (const [factor, passed] of [
    [0.999, true],
    [1.001, false],
  ]) {
    const outputs = right(exact);
    outputs.c_n.data[3] += factor * plain.tolerance.c_n.data[3];
    const verdict = compare(plain, outputs);
    assert.equal(verdict.passed, passed);
    assert.ok(Math.abs(verdict.largestError - factor) < 1e-6);
  }
});

test("the first wrong element of the reverse direction is the one nearest to the end of its sequence", async () => {
  const golden = await load("lstm/lengths-bidirectional"); // lengths 2, 4 and 3
  const { shape, data } = right(golden).out;
  const unit = shape[2] - 1;
  for (let t = 0; t < 4; t++) data[t * shape[2] + unit] += 0.5;
  const { first } = compare(golden, right(golden, { out: { shape, data } })).differences.out;
  assert.deepEqual(first.index, [0, 1, unit]);
  assert.match(first.place, /reverse direction/);
});

test("an output may be a tensor of ONNX Runtime or TensorFlow.js, or nested arrays", () => {
  const { shape, data } = right(plain).out;
  const rows = nest({ shape, data });
  const accepted = [
    { dims: shape, data, type: "float32" },
    { shape, dtype: "float32", dataSync: () => data },
    { shape, data: [...data] },
    { shape: Int32Array.from(shape), data: Float64Array.from(data) },
    rows,
    rows.map((sequence) => sequence.map((row) => Float32Array.from(row))),
  ];
  for (const out of accepted) check(plain, right(plain, { out }));
});

test("half-precision numbers may be carried as their bits", async () => {
  const golden = await load("lstm/plain", { dtype: "float16" });
  const { shape, data } = golden.expected.out;
  const bits = Uint16Array.from(data, (value) => {
    const [float] = new Uint32Array(Float32Array.of(value).buffer);
    const exponent = ((float >> 23) & 0xff) - 112; // all values are normal numbers of float16
    return ((float >> 16) & 0x8000) | (exponent << 10) | ((float >> 13) & 0x3ff);
  });
  check(golden, right(golden, { out: { dims: shape, type: "float16", data: bits } }));
  assert.equal(compare(golden, right(golden, { out: { dims: shape, data: bits } })).passed, false);
});

test("whole numbers are exact in every precision", async () => {
  const golden = await load("documented/single-sequence", { dtype: "float64" });
  check(golden, { out: { shape: [1, 3, 2], data: Int32Array.of(3, 3, 12, 12, 33, 33) }, h_n: [[[33, 33]]] });
});

test("an output that is less precise than declared fails", async () => {
  const golden = await load("lstm/plain", { dtype: "float64" });
  const verdict = compare(golden, right(golden, { h_n: tensorOf(golden.expected.h_n) }));
  assert.equal(verdict.differences.h_n.problem, "is float32: less precise than the declared float64");
  assert.equal(verdict.passed, false);
});

test("a lower precision in a wider array is named", async () => {
  const golden = await load("lstm/plain", { dtype: "float64" });
  const out = tensorOf(tensorOf(golden.expected.out), Float64Array);
  const { differences, message } = compare(golden, right(golden, { out }));
  assert.equal(differences.out.computedIn, "float32");
  assert.match(message, /every value is a float32 number: computed in float32, not in the declared float64\?/);
});

test("NaN and infinity are wrong", () => {
  const outputs = right(plain);
  outputs.h_n.data.set([NaN, Infinity, -Infinity]);
  const { passed, largestError, differences, message } = compare(plain, outputs);
  assert.deepEqual([passed, largestError], [false, Infinity]);
  assert.deepEqual([differences.h_n.wrong, differences.h_n.nan, differences.h_n.infinite], [3, 1, 2]);
  assert.match(message, /h_n: 3 of 6 elements wrong, among them 1 NaN, 2 infinite/);
});

test("a shape must match exactly", () => {
  const { data } = right(plain).out;
  assert.equal(
    problem({ shape: [4, 2, 3], data }),
    "has shape (4, 2, 3), want (2, 4, 3); it looks time-major, out is batch-first: (batch, time, unit)",
  );
  assert.equal(
    problem({ shape: [2, 1, 4, 3], data }),
    "has shape (2, 1, 4, 3), want (2, 4, 3); only axes of size 1 differ",
  );
  assert.equal(problem({ shape: [24], data }), "has shape (24,), want (2, 4, 3)");
});

test("an output without numbers is an error that says what it is", () => {
  const { shape, data } = right(plain).out;
  const rows = nest({ shape, data });
  const holes = [...data];
  delete holes[7];
  const failing = {
    shape,
    get data() {
      throw new Error("The data is not on CPU.");
    },
  };
  const problems = [
    [undefined, "is undefined: the implementation returned nothing for it"],
    [null, "is null: the implementation returned nothing for it"],
    ["text", 'is the string "text", not { shape, data }, a tensor or nested arrays'],
    [Promise.resolve(), "is a Promise, not { shape, data }, a tensor or nested arrays"],
    [{ shape, data: holes }, "has undefined at index 7, not a number"],
    [{ shape, data: [...data].map(String) }, `has the string "${data[0]}" at index 0, not a number`],
    [{ shape, data: [...data.slice(1), 1n] }, "has a BigInt, 1n at index 23, not a number"],
    [{ shape, data: new BigInt64Array(24) }, "holds BigInt64Array, not numbers of a precision"],
    [{ shape, data: data.slice(1) }, "has shape (2, 4, 3), 24 elements, but its data has 23"],
    [{ shape, data: data.buffer }, "has data that is an ArrayBuffer, not a typed array or an array of numbers"],
    [{ shape: [2, -12, -1], data }, "has an invalid shape, [2, -12, -1]"],
    [{ shape, dtype: "bool", data: new Uint8Array(24) }, "holds bool, not real numbers"],
    [failing, "is a tensor whose data cannot be read: The data is not on CPU."],
    [[rows[0], rows[1].slice(1)], "has rows of different lengths: [1] has 3, the first has 4"],
    [[rows[0], 1], "has 1 at [1], not an array like its first row"],
    [[rows[0], rows[1].map(([first, , last]) => [first, , last])], "has undefined at [1][0][1], not a number"],
    [rows.map((row) => row.map(() => new BigInt64Array(3))), "holds BigInt64Array, not numbers of a precision"],
  ];
  for (const [value, expected] of problems) assert.equal(problem(value), expected);
});

test("a missing output fails, and so does one that the cell does not have", async () => {
  const { out, h_n } = right(plain);
  assert.match(compare(plain, { out, h_n }).message, /^lstm\/plain in float32: c_n is undefined: the implementation/);
  assert.throws(() => check(plain, {}), GoldenMismatch);
  const golden = await load("gru/plain");
  const verdict = compare(golden, right(golden, { c_n: [0] }));
  assert.equal(verdict.differences.c_n.problem, "was given, but a golden for gru has no c_n");
  assert.equal(verdict.passed, false);
  check(golden, right(golden, { c_n: undefined }));
});

test("states that implementations of a recurrence do not agree on may be passed, and are not compared", async () => {
  const golden = await load("slstm/one-step");
  check(golden, right(golden, { c_n: [0], n_n: [0], m_n: [0] }));
});

test("the golden's own expected values cannot be passed as outputs", () => {
  assert.throws(() => check(plain, plain.expected), {
    name: "TypeError",
    message: /lstm\/plain: an output is the golden's own expected out, which would be compared with itself/,
  });
  assert.throws(() => compare(plain, right(plain, { c_n: plain.expected.c_n })), TypeError);
  const { shape, data } = plain.expected.c_n;
  const rows = [0, 1].map((row) => data.subarray(row * shape[2], (row + 1) * shape[2]));
  for (const c_n of [[rows], { shape, data: data.subarray() }, { shape, data: new Float32Array(data.buffer) }]) {
    assert.throws(() => compare(plain, right(plain, { c_n })), { name: "TypeError", message: /own expected c_n/ });
  }
});

test("a wrong use is a TypeError that says what to pass", () => {
  const { out, h_n } = right(plain);
  for (const outputs of [undefined, null, [out, h_n], out.data, "out"]) {
    assert.throws(() => compare(plain, outputs), { name: "TypeError", message: /check\(golden, { out, h_n, c_n }\)/ });
  }
  for (const golden of [undefined, "lstm/plain", { ...plain }]) {
    const message = /golden from select\(\) or load\(\)/;
    assert.throws(() => compare(golden, right(plain)), { name: "TypeError", message });
  }
});

test("the heads of an output have their own name where several of them share a key head", async () => {
  for (const [id, name] of [
    ["gated-delta/grouped-queries", "query head"],
    ["gated-delta/grouped-values", "head"],
  ]) {
    const golden = await load(id);
    const outputs = right(golden);
    outputs.o.data[0] += 1;
    assert.equal(compare(golden, outputs).differences.o.first.place, `time step 0 (batch 0, ${name} 0, value 0)`);
  }
});
