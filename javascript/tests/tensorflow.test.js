// The layers of TensorFlow.js: right on every golden that they support, and each wrong use fails.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { compare, select } from "rnn-goldens";

const UNSUPPORTED = ["lengths", "unbatched"];

// The initial weights are replaced; the default initializer, an orthogonal matrix, takes seconds.
const always = { returnSequences: true, returnState: true, recurrentInitializer: "zeros" };
const rnn = (activation) => (options) => tf.layers.simpleRNN({ ...options, activation });
const lstm = (recurrentActivation) => (options) =>
  tf.layers.lstm({ ...options, activation: "tanh", recurrentActivation });
const gru = (options) => tf.layers.gru({ ...options, activation: "tanh", recurrentActivation: "sigmoid" });

const layers = {
  rnn_tanh: rnn("tanh"),
  rnn_relu: rnn("relu"),
  rnn_sigmoid: rnn("sigmoid"),
  rnn_hard_sigmoid: rnn("hardSigmoid"),
  rnn_softplus: rnn("softplus"),
  rnn_softsign: rnn("softsign"),
  lstm: lstm("sigmoid"),
  lstm_hard_sigmoid: lstm("hardSigmoid"),
  gru_reset_before: gru, // unlike PyTorch's GRU
};

const gatesOf = { lstm: "ifgo", gru: "rzn" }; // PyTorch's order
const orderOf = { lstm: "ifgo", gru: "zrn" }; // Keras' order

const tensor = ({ shape, data }) => tf.tensor(data, [...shape], "float32");

/** Returns the outputs of stacked layers, as tensors. */
function run(golden, order) {
  const { config, weights } = golden;
  const directions = config.bidirectional ? ["", "_reverse"] : [""];
  const states = golden.initialState && [golden.initialState].flat().map((state) => tf.unstack(tensor(state)));
  const last = [];
  let x = tensor(golden.x);
  for (let k = 0; k < config.num_layers; k++) {
    const options = { units: config.hidden_size, useBias: config.bias, ...always };
    let layer = layers[golden.cell](options);
    if (config.bidirectional) layer = tf.layers.bidirectional({ layer, mergeMode: "concat" });
    layer.apply(tf.input({ batchShape: x.shape })); // creates the weights that setWeights replaces
    layer.setWeights(directions.flatMap((direction) => kerasWeights(golden.cell, weights, `l${k}${direction}`, order)));
    const first = k * directions.length;
    const initialState = states ? directions.flatMap((_, d) => states.map((state) => state[first + d])) : undefined;
    const [out, ...after] = layer.apply(x, { initialState });
    last.push(...after); // h of an RNN, or h and c, of each direction
    x = out;
  }
  const parts = golden.c0 ? 2 : 1;
  const [h_n, c_n] = [0, 1].map((part) => last.filter((_, k) => k % parts === part));
  return { out: x, h_n: tf.stack(h_n), c_n: parts === 2 ? tf.stack(c_n) : undefined };
}

/** Returns a kernel, a recurrent kernel and one bias: transposed, and with the gates in another order. */
function kerasWeights(cell, weights, end, order) {
  const base = cell.split("_")[0];
  const gates = gatesOf[base] ?? "h";
  const ordered = (array) => {
    const blocks = tf.split(tensor(array), gates.length);
    return tf.concat([...(order ?? orderOf[base] ?? gates)].map((gate) => blocks[gates.indexOf(gate)]));
  };
  const kernels = ["ih", "hh"].map((which) => ordered(weights[`weight_${which}_${end}`]).transpose());
  const bias = weights[`bias_ih_${end}`];
  return bias ? [...kernels, ordered(bias).add(ordered(weights[`bias_hh_${end}`]))] : kernels;
}

/** Compares every golden of a selection, and returns the verdicts by id. */
async function verdicts(selection, outputsOf = run) {
  const goldens = await select({ without: UNSUPPORTED, ...selection });
  const found = goldens.map((golden) => [golden.id, tf.tidy(() => compare(golden, outputsOf(golden)))]);
  tf.disposeVariables();
  return new Map(found);
}

for (const cell of Object.keys(layers)) {
  test(`every golden of ${cell} passes`, async () => {
    for (const { passed, message } of (await verdicts({ cell })).values()) assert.ok(passed, message);
  });
}

test("a GRU with the reset gate before the product fails PyTorch's goldens", async () => {
  const outputsOf = (golden) => run({ ...golden, cell: "gru_reset_before" });
  const found = await verdicts({ cell: "gru", ids: "gru/*" }, outputsOf);
  const unseen = [...found.keys()].filter((id) => found.get(id).passed); // nothing recurs, or the gate is always open
  assert.deepEqual(unseen, ["gru/back-ten-steps", "gru/activations", "gru/overflowing", "gru/overflowing-no-state"]);
  assert.equal(found.size, 40);
});

test("an LSTM with the gates in ONNX's order fails", async () => {
  const selection = { cell: "lstm", ids: "lstm/*", without: [...UNSUPPORTED, "exact"] };
  const found = await verdicts(selection, (golden) => run(golden, "iofg"));
  for (const [id, { passed }] of found) assert.equal(passed, false, id);
});

test("h_n and c_n in each other's place fail", async () => {
  const swapped = (golden) => {
    const { out, h_n, c_n } = run(golden);
    return { out, h_n: c_n, c_n: h_n };
  };
  for (const [id, { passed, differences }] of await verdicts({ cell: "lstm", ids: "lstm/*" }, swapped)) {
    assert.equal(passed, false, id);
    assert.equal(differences.out.wrong, 0);
  }
});

test("a tensor that was disposed is a problem of its output, not a crash", async () => {
  const [golden] = await select({ cell: "rnn_tanh", without: UNSUPPORTED });
  const { out, h_n } = tf.tidy(() => run(golden));
  out.dispose();
  const verdict = compare(golden, { out, h_n });
  assert.equal(verdict.passed, false);
  assert.match(verdict.differences.out.problem, /^is a tensor whose data cannot be read: Tensor is disposed/);
});
