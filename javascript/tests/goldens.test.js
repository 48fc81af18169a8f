// The index, selection, loading, and what a golden has.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { check, compare, entries, load, select, version } from "rnn-goldens";

const json = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url)));
const index = json("../../fixtures/v2/index.json");

const rejects = (promise, message) => assert.rejects(promise, { name: "RangeError", message });

test("the version is the corpus', in the package, too", () => {
  assert.equal(version, index.version);
  assert.equal(json("../package.json").version, version);
  assert.equal(json("../package-lock.json").version, version);
  assert.equal(json("../package-lock.json").packages[""].version, version);
});

test("entries lists every golden of the corpus in its order", () => {
  const listed = index.goldens.map(({ id, cell, features, precisions, title, purpose }) => ({
    ...{ id, cell, features, precisions, title, purpose },
  }));
  assert.deepEqual(entries, listed);
  assert.throws(() => entries[0].features.push("exact"), TypeError);
});

test("a selection without cells has networks with PyTorch's equations only", async () => {
  const cells = new Set((await select()).map(({ cell }) => cell));
  assert.deepEqual([...cells].sort(), ["gru", "lstm", "rnn_relu", "rnn_tanh"]);
});

test("a dialect is selected by its name, its option or its folder", async () => {
  for (const selection of [
    { cell: "gru_reset_before" },
    { cell: "linear_before_reset=0" },
    { ids: "gru-reset-before/*" },
  ]) {
    const cells = new Set((await select(selection)).map(({ cell }) => cell));
    assert.deepEqual([...cells], ["gru_reset_before"]);
  }
});

test("a name that does not exist is an error with the nearest names", async () => {
  await rejects(select({ cell: "ltsm" }), /^no cell "ltsm"\. Did you mean "lstm"( or "slstm")?\?/);
  await rejects(select({ features: "bidirektional" }), /^no feature "bidirektional"\. Did you mean "bidirectional"\?/);
  await rejects(select({ without: "length" }), /Did you mean "lengths"\?/);
  await rejects(select({ ids: "lstm/plian" }), /^no golden "lstm\/plian"\. Did you mean .*"lstm\/plain".*\?/);
  await rejects(select({ cell: "linear_before_reset=2" }), /^no option .* Did you mean "linear_before_reset=0"\?/);
  await rejects(select({ dtype: "floot32" }), /^no precision "floot32"\. Did you mean "float32"\?/);
  await rejects(select({ cells: "lstm" }), /^no argument of select "cells"\. Did you mean "cell"\?/);
  await rejects(load("lstm/plan"), /^no golden "lstm\/plan"\. Did you mean .*"lstm\/plain".*\?/);
  await rejects(load("lstm/plain", { dtype: "double" }), /There are: float64, float32, bfloat16, float16$/);
  await rejects(load("lstm/plain", { dtype: "bfloat16" }), /^no precision of lstm\/plain "bfloat16"\./);
});

test("selecting nothing is an error", async () => {
  for (const argument of ["ids", "cell"]) {
    await rejects(select({ [argument]: [] }), new RegExp(`^${argument} is empty, which selects no golden; omit it`));
  }
  await rejects(select({ ids: "lstm/*", cell: "gru" }), /^no golden selected by .*: none matches$/);
  const chaotic = { cell: "rnn_tanh", features: "chaotic" };
  await rejects(select(chaotic), /none of the \d+ matching goldens can be checked in float32$/);
  assert.ok((await select({ ...chaotic, dtype: "float64" })).length);
});

test("an argument that is not a name is a TypeError", async () => {
  await assert.rejects(select({ cell: 1 }), { name: "TypeError", message: /^cell takes a name or an array of names/ });
  await assert.rejects(select("lstm"), { name: "TypeError", message: /^select takes an object/ });
  await assert.rejects(load(1), { name: "TypeError", message: /^a golden's id is text/ });
});

test("a golden has PyTorch's names and shapes", async () => {
  const golden = await load("lstm/bidirectional-no-state", { dtype: "float64" });
  const { input_size, hidden_size, bidirectional } = golden.config;
  const [batch, time] = golden.x.shape;
  assert.equal(bidirectional, true);
  assert.deepEqual(golden.x.shape, [batch, time, input_size]);
  assert.deepEqual(golden.weights.weight_ih_l0_reverse.shape, [4 * hidden_size, input_size]);
  assert.deepEqual(golden.expected.out.shape, [batch, time, 2 * hidden_size]);
  assert.deepEqual(golden.tolerance.c_n.shape, [2, batch, hidden_size]);
  assert.ok(golden.x.data instanceof Float64Array);
  assert.equal(golden.initialState, null);
  assert.deepEqual(golden.h0, { shape: [2, batch, hidden_size], data: new Float64Array(2 * batch * hidden_size) });
  assert.deepEqual(golden.c0, golden.h0);
  assert.equal(golden.lengths, null);
});

test("an initial state is h0, or h0 and c0 of an LSTM", async () => {
  const [rnn] = await select({ cell: "rnn_tanh", features: "state" });
  assert.equal(rnn.initialState, rnn.h0);
  assert.equal(rnn.c0, null);
  const [lstm] = await select({ cell: "lstm", features: "state" });
  assert.deepEqual(lstm.initialState, [lstm.h0, lstm.c0]);
});

test("a recurrence has its own inputs and states", async () => {
  const [golden] = await select({ cell: "gated_delta", features: "packed" });
  assert.deepEqual(Object.keys(golden.inputs), ["q", "k", "v", "g", "beta"]);
  assert.deepEqual(Object.keys(golden.expected), ["o", "S_n"]);
  assert.equal(golden.states.S0.shape[0], golden.offsets.data.length - 1);
  assert.deepEqual([golden.x, golden.h0, golden.c0], [null, null, null]);
});

test("a dialect has its options", async () => {
  const [golden] = await select({ cell: "gru_reset_before" });
  assert.deepEqual(golden.options, { linear_before_reset: 0 });
});

test("every precision but float64 is carried in float32 arrays", async () => {
  for (const dtype of ["float32", "bfloat16", "float16"]) {
    const golden = await load("rnn-relu/plain", { dtype });
    for (const { data } of [golden.x, golden.expected.out]) assert.ok(data instanceof Float32Array);
  }
});

test("a golden is frozen", async () => {
  const golden = await load("lstm/plain");
  for (const part of [golden, golden.config, golden.weights, golden.x, golden.x.shape, golden.expected]) {
    assert.ok(Object.isFrozen(part));
  }
});

test("writing to a golden's arrays changes neither verdicts nor the next load", async () => {
  const golden = await load("lstm/plain");
  const outputs = structuredClone(golden.expected);
  for (const kind of ["inputs", "states", "weights", "expected", "tolerance"]) {
    for (const { data } of Object.values(golden[kind])) data.fill(kind === "tolerance" ? Infinity : 7);
  }
  check(golden, outputs);
  assert.equal(compare(golden, structuredClone(golden.expected)).passed, false);
  const again = await load("lstm/plain");
  assert.deepEqual(again.expected, outputs);
  for (const { data } of [again.x, again.c0, again.weights.bias_hh_l0, again.tolerance.out]) {
    assert.ok(!data.includes(7) && !data.includes(Infinity));
  }
});

test("an integer golden has integer arrays, whatever precision is asked for", async () => {
  const golden = await load("lstm-int8-cmsis/zero-points", { dtype: "float64" });
  assert.equal(golden.dtype, "int8");
  const types = ({ data }) => data.constructor;
  assert.deepEqual([golden.x, golden.weights.W_i, golden.expected.out].map(types), [Int8Array, Int8Array, Int8Array]);
  assert.deepEqual([golden.weights.b_f, golden.c0].map(types), [Int32Array, Int16Array]);
  assert.equal(golden.initialState, null);
  assert.ok(golden.h0.data.every((value) => value === golden.config.h_zero));
  assert.equal(golden.config.W_shift.length, 4);
  const out = { shape: golden.expected.out.shape, data: golden.expected.out.data.slice() };
  const { h_n, c_n } = Object.fromEntries(
    ["h_n", "c_n"].map((name) => [name, { ...golden.expected[name], data: golden.expected[name].data.slice() }]),
  );
  check(golden, { out, h_n, c_n });
  out.data[0] += 1;
  assert.match(compare(golden, { out, h_n, c_n }).message, /^lstm-int8-cmsis\/zero-points in int8: out is first wrong at/);
  const found = await select({ cell: "lstm_16x8_tflm" });
  assert.deepEqual([...new Set(found.map(({ dtype }) => dtype))], ["int16"]);
});
