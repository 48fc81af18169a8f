// Every cell and feature as a program: rnn-goldens check -- node my_rnn.js. The arithmetic is in cells.js and, for the
// gradients of the GRU, in backward.js.
"use strict";
const { createInterface } = require("node:readline");
const { gates, network } = require("./cells.js");

const hello = {
  answer: "hello",
  protocol: 2,
  name: "my_rnn.js",
  version: `on Node ${process.version}`,
  cells: ["rnn_tanh", "rnn_relu", "lstm", "gru"],
  features: ["bias", "state", "multilayer", "bidirectional", "lengths", "unbatched", "gradients"],
  precisions: ["float64", "float32"],
};

function run(request) {
  const weights = allNested(request.weights);
  let { x, h0, c0, lengths } = allNested(request.inputs);
  const unbatched = request.inputs.x.shape.length === 2;
  if (unbatched) [x, h0, c0] = [[x], h0?.map((h) => [h]), c0?.map((c) => [c])]; // a batch of one

  const { num_layers, bidirectional, hidden_size } = request.config;
  const layers = [...Array(num_layers * (bidirectional ? 2 : 1)).keys()];
  const zeros = Array(hidden_size).fill(0);
  const results = x.map((sequence, b) => {
    const states = layers.map((layer) => [h0?.[layer][b] ?? zeros, c0?.[layer][b] ?? zeros]);
    return network(request, weights, sequence.slice(0, lengths?.[b]), states);
  });
  const out = results.map((result, b) => x[b].map((_, t) => result.out[t] ?? result.out[0].map(() => 0)));
  const [h_n, c_n] = [0, 1].map((part) => layers.map((layer) => results.map(({ last }) => last[layer][part])));

  const answer = { answer: "outputs", id: request.id, out: array(unbatched ? out[0] : out) };
  answer.h_n = array(unbatched ? h_n.flat() : h_n);
  if (request.cell === "lstm") answer.c_n = array(unbatched ? c_n.flat() : c_n);
  return answer;
}

// The answer to a request for gradients: sequence by sequence, each up to its length.
function runBack(request) {
  if (request.cell !== "gru") return { answer: "unsupported", id: request.id, reason: "gradients of a GRU alone" };
  const { backward, inPrecision } = require("./backward.js"); // loaded only if gradients are requested
  const { addAll } = inPrecision(request.precision);
  const weights = allNested(request.weights);
  let { x, h0, lengths } = allNested(request.inputs);
  let { d_out, d_h_n } = allNested(request.cotangents);
  const unbatched = request.inputs.x.shape.length === 2;
  if (unbatched) [x, h0, d_out, d_h_n] = [[x], h0?.map((h) => [h]), [d_out], d_h_n.map((d) => [d])];

  const zeros = Array(request.config.hidden_size).fill(0);
  const results = x.map((sequence, b) => {
    const [own, d_own] = [sequence, d_out[b]].map((steps) => steps.slice(0, lengths?.[b]));
    const states = d_h_n.map((_, layer) => h0?.[layer][b] ?? zeros);
    return backward(request, weights, own, states, d_own, d_h_n.map((d) => d[b]));
  });
  const by_x = results.map((result, b) => x[b].map((x_t, t) => result.x[t] ?? x_t.map(() => 0)));
  const by_h0 = d_h_n.map((_, layer) => results.map((result) => result.h0[layer]));

  const found = { x: unbatched ? by_x[0] : by_x, ...results.map((result) => result.weights).reduce(addAll) };
  if (h0) found.h0 = unbatched ? by_h0.flat() : by_h0;
  const gradients = Object.fromEntries(Object.entries(found).map(([name, lists]) => [name, array(lists)]));
  return { answer: "gradients", id: request.id, gradients };
}

// Converts the arrays of a message to nested lists, and back.
const allNested = (arrays) =>
  Object.fromEntries(Object.entries(arrays).map(([name, { shape, data }]) => [name, nested(shape, data)]));

function nested([length, ...rest], data) {
  const size = data.length / length;
  return rest.length ? Array.from({ length }, (_, k) => nested(rest, data.slice(k * size, (k + 1) * size))) : data;
}

const array = (lists) => ({ shape: shapeOf(lists), data: lists.flat(Infinity) });
const shapeOf = (lists) => (Array.isArray(lists) ? [lists.length, ...shapeOf(lists[0])] : []);

const [flag] = process.argv.slice(2);
if (flag === "--gates=iofg") gates.lstm = "iofg"; // ONNX's order, to show that it is detected
else if (flag) throw Error(`usage: node my_rnn.js [--gates=iofg], not ${flag}`);
createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  const answer = request.request === "hello" ? hello : request.cotangents ? runBack(request) : run(request);
  console.log(JSON.stringify(answer));
});
