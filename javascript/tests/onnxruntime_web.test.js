// ONNX Runtime Web, with WebAssembly in Node: right on every golden that it supports, and each wrong use fails.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-web";
import { compare, entries, select } from "rnn-goldens";

const root = fileURLToPath(new URL("../..", import.meta.url));
const suffixes = { onnx: "", "onnx-weights-as-inputs": "_weights_as_inputs" };
const vectors = mkdtempSync(join(tmpdir(), "rnn-goldens-"));
const NETWORKS = ["*", "rnn-*/*", "lstm-*/*", "gru-*/*"]; // the last three for the dialects

const NOT_IN_ONNX = ["lstm_projection", "lstm_projection_clip", "lstm_coupled_input", "lstm_cell_clip"];

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

before(() => {
  const command = process.env.RNN_GOLDENS ?? join(root, ".venv/bin/rnn-goldens");
  for (const [format, patterns] of [
    ["onnx", NETWORKS],
    ["onnx-weights-as-inputs", ["lstm/*"]],
  ]) {
    execFileSync(command, ["export", ...patterns, "--to", format, "--dtype", "float32", join(vectors, format)]);
  }
});

after(() => rmSync(vectors, { recursive: true }));

const isDialect = ({ options }) => Object.keys(options).length > 0;

/** Returns the goldens of which a model was exported, with the model's path. */
async function exported(format, selection, isWanted = () => true) {
  const names = new Map(entries.map(({ id }) => [id, `test_${id.replace(/[/-]/g, "_")}${suffixes[format]}`]));
  const folders = new Set(readdirSync(join(vectors, format)));
  const goldens = await select(selection);
  return goldens
    .filter((golden) => folders.has(names.get(golden.id)) && isWanted(golden))
    .map((golden) => ({ golden, model: join(vectors, format, names.get(golden.id), "model.onnx") }));
}

/** Returns the ids in the file of ONNX Runtime's known failures. */
function knownFailures() {
  const lines = readFileSync(join(root, "docs/known-failures/onnxruntime.txt"), "utf8").split("\n");
  return lines.map((line) => line.split("#")[0].trim()).filter((id) => id.startsWith("lstm-clip/"));
}

const batchOf = (golden) => (golden.features.includes("unbatched") ? 1 : golden.x.shape[0]);

async function run(golden, model, weights = {}) {
  const session = await ort.InferenceSession.create(model);
  const outputs = await session.run({ ...feeds(golden, session.inputNames), ...weights });
  await session.release();
  if (!golden.features.includes("unbatched")) return outputs;
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, withoutBatch(name, tensor)]));
}

/** Returns the inputs of the model: states are apart for each layer, and x has a batch axis. */
function feeds(golden, inputNames) {
  const batch = batchOf(golden);
  const directions = golden.config.bidirectional ? 2 : 1;
  const found = { x: new ort.Tensor("float32", golden.x.data, [batch, ...golden.x.shape.slice(-2)]) };
  if (golden.lengths) found.lengths = new ort.Tensor("int32", golden.lengths.data, golden.lengths.shape);
  for (const name of inputNames) {
    const [, state, layer] = name.match(/^([hc]0)_l(\d+)$/) ?? [];
    if (!state) continue;
    const { shape, data } = golden.states[state];
    const size = directions * batch * shape.at(-1);
    const part = data.slice(layer * size, (Number(layer) + 1) * size);
    found[name] = new ort.Tensor("float32", part, [directions, batch, shape.at(-1)]);
  }
  return found;
}

function withoutBatch(name, { dims, data }) {
  const axis = name === "out" ? 0 : 1;
  assert.equal(dims[axis], 1);
  return { dims: dims.filter((_, at) => at !== axis), data };
}

/** Returns W, R and B of a layer of an LSTM, from PyTorch's gates i, f, g, o in another order. */
function lstmWeights(golden, order) {
  const directions = golden.config.bidirectional ? ["", "_reverse"] : [""];
  const { hidden_size: hidden, num_layers: layers, bias } = golden.config;
  const found = {};
  for (let layer = 0; layer < layers; layer++) {
    const stacked = (kinds) =>
      directions.flatMap((direction) =>
        kinds.flatMap((kind) => {
          const { data } = golden.weights[`${kind}_l${layer}${direction}`];
          const block = data.length / 4;
          return [...order].flatMap((gate) => [...data.slice("ifgo".indexOf(gate) * block).slice(0, block)]);
        }),
      );
    const tensor = (values, ...shape) => new ort.Tensor("float32", values, [directions.length, ...shape]);
    const inputs = golden.weights[`weight_ih_l${layer}`].shape[1];
    found[`l${layer}/W`] = tensor(stacked(["weight_ih"]), 4 * hidden, inputs);
    found[`l${layer}/R`] = tensor(stacked(["weight_hh"]), 4 * hidden, hidden);
    if (bias) found[`l${layer}/B`] = tensor(stacked(["bias_ih", "bias_hh"]), 8 * hidden);
  }
  return found;
}

test("every golden with PyTorch's equations passes", async () => {
  const cases = await exported("onnx", {});
  assert.equal(cases.length, (await select()).length);
  for (const { golden, model } of cases) {
    const { passed, message } = compare(golden, await run(golden, model));
    assert.ok(passed, message);
  }
});

// It clips the arguments of the gates, but not c, as ONNX Runtime in Python does.
test("every dialect that ONNX has passes, except the known failures of ONNX Runtime", async () => {
  const cases = await exported("onnx", { ids: NETWORKS.slice(1) }, isDialect);
  const dialects = new Set((await select({ ids: NETWORKS.slice(1) })).filter(isDialect).map(({ cell }) => cell));
  const found = new Set(cases.map(({ golden }) => golden.cell));
  assert.deepEqual([...dialects].filter((cell) => !found.has(cell)), NOT_IN_ONNX);
  const failed = [];
  for (const { golden, model } of cases) {
    if (!compare(golden, await run(golden, model)).passed) failed.push(golden.id);
  }
  assert.deepEqual(failed, knownFailures());
});

test("an LSTM with the gates in ONNX's order passes, and in PyTorch's order it fails", async () => {
  const cases = await exported("onnx-weights-as-inputs", { ids: "lstm/*", without: "exact" });
  assert.ok(cases.length > 50, String(cases.length));
  for (const { golden, model } of cases) {
    const { passed, message } = compare(golden, await run(golden, model, lstmWeights(golden, "iofg")));
    assert.ok(passed, message);
    const wrong = compare(golden, await run(golden, model, lstmWeights(golden, "ifgo")));
    assert.equal(wrong.passed, false, golden.id);
  }
});

test("h_n and c_n in each other's place fail", async () => {
  for (const { golden, model } of await exported("onnx", { ids: "lstm/*" })) {
    const { out, h_n, c_n } = await run(golden, model);
    const { passed, differences } = compare(golden, { out, h_n: c_n, c_n: h_n });
    assert.equal(passed, false, golden.id);
    assert.equal(differences.out.wrong, 0);
  }
});
