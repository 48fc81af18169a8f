// RNN, LSTM and GRU in float64, or in float32 by rounding every operation; my_rnn.js has the messages.
"use strict";

const gates = { lstm: "ifgo", gru: "rzn" }; // the order of the gates in the rows of weights

// The cells in a precision, each (w, x_t, [h, c]) => [h, c] of the next step.
function cells(precision) {
  const round = precision === "float32" ? Math.fround : (value) => value;
  const add = (a, b) => a.map((value, k) => round(value + b[k]));
  const multiply = (a, b) => a.map((value, k) => round(value * b[k]));
  const tanh = (z) => z.map((value) => round(Math.tanh(value)));
  const relu = (z) => z.map((value) => Math.max(value, 0));
  const sigmoid = (z) => z.map((value) => round(1 / (1 + Math.exp(-value))));
  const dot = (a, b) => a.reduce((sum, value, k) => round(sum + round(value * b[k])), 0);
  const affine = (matrix, vector, bias) => {
    const product = matrix.map((row) => dot(row, vector));
    return bias ? add(product, bias) : product;
  };
  const fromX = (w, x) => affine(w.weight_ih, x, w.bias_ih);
  const fromH = (w, h) => affine(w.weight_hh, h, w.bias_hh);

  return {
    rnn_tanh: (w, x, [h]) => [tanh(add(fromX(w, x), fromH(w, h)))],
    rnn_relu: (w, x, [h]) => [relu(add(fromX(w, x), fromH(w, h)))],
    lstm: (w, x, [h, c]) => {
      const { i, f, g, o } = split(add(fromX(w, x), fromH(w, h)), gates.lstm);
      const next = add(multiply(sigmoid(f), c), multiply(sigmoid(i), tanh(g)));
      return [multiply(sigmoid(o), tanh(next)), next];
    },
    gru: (w, x, [h]) => {
      const [a, b] = [split(fromX(w, x), gates.gru), split(fromH(w, h), gates.gru)];
      const [r, z] = [sigmoid(add(a.r, b.r)), sigmoid(add(a.z, b.z))];
      const n = tanh(add(a.n, multiply(r, b.n)));
      const oneMinusZ = z.map((value) => round(1 - value));
      return [add(multiply(oneMinusZ, n), multiply(z, h))];
    },
  };
}

function split(rows, order) {
  const units = rows.length / order.length;
  return Object.fromEntries([...order].map((gate, k) => [gate, rows.slice(k * units, (k + 1) * units)]));
}

// One sequence through all layers: x (steps, input) and a state for each layer and direction. Returns out (steps,
// directions*hidden) and the last states.
function network({ cell, precision, config }, weights, x, states) {
  const step = cells(precision)[cell];
  const last = [];
  for (let layer = 0; layer < config.num_layers; layer++) {
    const outs = (config.bidirectional ? ["", "_reverse"] : [""]).map((suffix) => {
      const names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
      const w = Object.fromEntries(names.map((name) => [name, weights[`${name}_l${layer}${suffix}`]]));
      let state = states[last.length];
      const out = inOrder(x, suffix).map((x_t) => (state = step(w, x_t, state))[0]);
      last.push(state);
      return inOrder(out, suffix);
    });
    x = outs[0].map((_, t) => outs.flatMap((out) => out[t]));
  }
  return { out: x, last };
}

const inOrder = (steps, suffix) => (suffix ? [...steps].reverse() : steps);

module.exports = { gates, network };
