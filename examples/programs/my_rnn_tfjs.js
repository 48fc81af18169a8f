// The layers of TensorFlow.js as a program: rnn-goldens check -- node my_rnn_tfjs.js
"use strict";
const { createInterface } = require("node:readline");
const tf = require("@tensorflow/tfjs");

const hello = {
  answer: "hello",
  protocol: 1,
  name: "TensorFlow.js",
  version: tf.version.tfjs,
  cells: ["rnn_tanh", "rnn_relu", "lstm"], // its GRU applies the reset gate before the product with h, PyTorch's after it
  features: ["bias", "state", "multilayer", "bidirectional"],
  precisions: ["float32"],
};

// The initial weights are replaced; the default initializer, an orthogonal matrix, takes seconds.
const always = { returnSequences: true, returnState: true, recurrentInitializer: "zeros" };
const layers = {
  rnn_tanh: (options) => tf.layers.simpleRNN({ ...options, activation: "tanh" }),
  rnn_relu: (options) => tf.layers.simpleRNN({ ...options, activation: "relu" }),
  lstm: (options) => tf.layers.lstm({ ...options, activation: "tanh", recurrentActivation: "sigmoid" }),
};

function run({ id, cell, config, weights, inputs }) {
  const directions = config.bidirectional ? ["", "_reverse"] : [""];
  const given = ["h0", "c0"].filter((name) => inputs[name]).map((name) => tf.unstack(tensor(inputs[name])));
  const statesOf = (k) => directions.flatMap((_, d) => given.map((state) => state[k * directions.length + d]));
  const last = [];
  let x = tensor(inputs.x);
  for (let k = 0; k < config.num_layers; k++) {
    const options = { units: config.hidden_size, useBias: config.bias, ...always };
    let layer = layers[cell](options);
    if (config.bidirectional) layer = tf.layers.bidirectional({ layer, mergeMode: "concat" });
    layer.apply(tf.input({ batchShape: x.shape })); // creates the weights that setWeights replaces
    layer.setWeights(directions.flatMap((direction) => kerasWeights(weights, `l${k}${direction}`)));
    const initialState = given.length ? statesOf(k) : undefined;
    const [out, ...after] = layer.apply(x, { initialState });
    last.push(...after); // h of an RNN, or h and c, of each direction
    x = out;
  }
  const parts = cell === "lstm" ? 2 : 1;
  const [h_n, c_n] = [0, 1].map((part) => last.filter((_, k) => k % parts === part));
  const answer = { answer: "outputs", id, out: array(x), h_n: array(tf.stack(h_n)) };
  return parts === 2 ? { ...answer, c_n: array(tf.stack(c_n)) } : answer;
}

// Kernels are transposed, the two biases one; the gates of an LSTM have PyTorch's order.
function kerasWeights(weights, end) {
  const kernels = ["ih", "hh"].map((which) => tensor(weights[`weight_${which}_${end}`]).transpose());
  const bias = weights[`bias_ih_${end}`];
  return bias ? [...kernels, tensor(bias).add(tensor(weights[`bias_hh_${end}`]))] : kernels;
}

const tensor = ({ shape, data }) => tf.tensor(data, shape, "float32");
const array = (result) => ({ shape: result.shape, data: [...result.dataSync()] });

createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  console.log(JSON.stringify(request.request === "hello" ? hello : tf.tidy(() => run(request))));
  tf.disposeVariables();
});
