// Backward pass of a GRU with any layers, directions and lengths, from the last step to the first (BPTT), in the
// requested precision; my_rnn.js has the messages.
"use strict";
const { gates, network } = require("./cells.js");

// Gradients of the sum of d_out*out and d_h_n*h_n over one sequence: x (steps, input), h0 and d_h_n (layers and
// directions, hidden), d_out (steps, directions*hidden). Returns the gradients of x, h0 and each weight.
function backward({ cell, precision, config }, weights, x, h0, d_out, d_h_n) {
  const { add, back } = inPrecision(precision);
  const suffixes = config.bidirectional ? ["", "_reverse"] : [""];
  const layers = [...Array(config.num_layers).keys()];

  const inputs = [x]; // of each layer; the last is out
  for (const layer of layers) {
    const own = {};
    for (const suffix of suffixes)
      for (const [name, value] of Object.entries(weightsOf(weights, layer, suffix))) own[`${name}_l0${suffix}`] = value;
    const states = suffixes.map((_, k) => [h0[layer * suffixes.length + k]]);
    inputs.push(network({ cell, precision, config: { ...config, num_layers: 1 } }, own, inputs[layer], states).out);
  }

  const found = { h0: [], weights: {} };
  let d = d_out;
  for (const layer of layers.reverse()) {
    const ways = suffixes.map((suffix, k) => {
      const index = layer * suffixes.length + k;
      const half = (rows) => rows.map((row) => row.slice(k * config.hidden_size, (k + 1) * config.hidden_size));
      const w = weightsOf(weights, layer, suffix);
      const [xs, outs, ds] = [inputs[layer], half(inputs[layer + 1]), half(d)].map((rows) => inOrder(rows, suffix));
      const way = back(w, xs, [h0[index], ...outs], ds, d_h_n[index]);
      found.h0[index] = way.h;
      for (const name in w) found.weights[`${name}_l${layer}${suffix}`] = way.weights[name];
      return inOrder(way.x, suffix);
    });
    d = ways.reduce((a, b) => a.map((row, t) => add(row, b[t])));
  }
  return { x: d, ...found };
}

function inPrecision(precision) {
  const round = precision === "float32" ? Math.fround : (value) => value;
  const each = (f) => (...vectors) => vectors[0].map((_, k) => round(f(...vectors.map((vector) => vector[k]))));
  const [add, multiply] = [each((a, b) => a + b), each((a, b) => a * b)];
  const [tanh, sigmoid, oneMinus] = [each(Math.tanh), each((z) => 1 / (1 + Math.exp(-z))), each((z) => 1 - z)];
  const dot = (a, b) => a.reduce((sum, value, k) => round(sum + round(value * b[k])), 0);
  const product = (matrix, vector, bias) => {
    const result = matrix.map((row) => dot(row, vector));
    return bias ? add(result, bias) : result;
  };
  const transposed = (matrix, vector) => matrix[0].map((_, column) => dot(matrix.map((row) => row[column]), vector));
  const outer = (a, b) => a.map((value) => b.map((other) => round(value * other)));
  const sum = (a, b) => (Array.isArray(a) ? a.map((part, k) => sum(part, b[k])) : round(a + b));

  // One step: cotangents of its inputs from the cotangent d of the new h.
  const stepBack = (w, x, h, d) => {
    const a = split(product(w.weight_ih, x, w.bias_ih));
    const b = split(product(w.weight_hh, h, w.bias_hh));
    const [r, z] = [sigmoid(add(a.r, b.r)), sigmoid(add(a.z, b.z))];
    const n = tanh(add(a.n, multiply(r, b.n)));

    const d_n = multiply(multiply(d, oneMinus(z)), oneMinus(multiply(n, n))); // of the argument of tanh
    const d_z = multiply(multiply(d, add(h, n.map((value) => -value))), multiply(z, oneMinus(z)));
    const d_r = multiply(multiply(d_n, b.n), multiply(r, oneMinus(r)));
    const from_x = joined({ r: d_r, z: d_z, n: d_n });
    const from_h = joined({ r: d_r, z: d_z, n: multiply(d_n, r) });
    return {
      x: transposed(w.weight_ih, from_x),
      h: add(transposed(w.weight_hh, from_h), multiply(d, z)),
      weights: { weight_ih: outer(from_x, x), weight_hh: outer(from_h, h), bias_ih: from_x, bias_hh: from_h },
    };
  };

  // One layer in one direction, with steps in the order of the forward pass; states[t] is h before step t.
  const back = (w, xs, states, ds, d_last) => {
    const found = { x: [], h: d_last, weights: null };
    for (let t = xs.length - 1; t >= 0; t--) {
      const step = stepBack(w, xs[t], states[t], add(found.h, ds[t]));
      found.x[t] = step.x;
      found.h = step.h;
      found.weights = addAll(found.weights, step.weights);
    }
    return found;
  };
  const addAll = (a, b) => (a ? Object.fromEntries(Object.keys(b).map((name) => [name, sum(a[name], b[name])])) : b);
  return { add, addAll, back };
}

function split(rows) {
  const units = rows.length / 3;
  return Object.fromEntries([...gates.gru].map((gate, k) => [gate, rows.slice(k * units, (k + 1) * units)]));
}

const joined = (byGate) => [...gates.gru].flatMap((gate) => byGate[gate]);
const inOrder = (steps, suffix) => (suffix ? [...steps].reverse() : steps);

// The weights of one layer and direction, by names without its suffix.
function weightsOf(weights, layer, suffix) {
  const names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
  const own = names.map((name) => [name, weights[`${name}_l${layer}${suffix}`]]);
  return Object.fromEntries(own.filter(([, value]) => value));
}

module.exports = { backward, inPrecision };
