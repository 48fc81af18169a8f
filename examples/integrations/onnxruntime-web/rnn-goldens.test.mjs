// Golden vectors of recurrent networks, with a tolerance for each element: https://github.com/rnn-goldens/rnn-goldens
// RNN_GOLDENS_VECTORS=rnn-goldens-vectors-VERSION node --test rnn-goldens.test.mjs

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import * as ort from 'onnxruntime-web';
import protobuf from 'protobufjs';

const VECTORS = process.env.RNN_GOLDENS_VECTORS;
assert.ok(VECTORS, 'RNN_GOLDENS_VECTORS is not set');

// Each must fail with this error; once one passes, its test fails.
const KNOWN_FAILURES = [
  {
    ids: /^(linear-attention|gated-linear-attention|delta-rule|gated-delta|causal-conv)\//,
    error: /Opset 27/,
    reason: 'no operator of opset 27',
  },
  {
    ids: /^lstm-clip\/(with-state|large-c|one-step-of-four)$/,
    error: /is wrong at element/,
    reason: 'LSTM: clip is not applied to the input of the last activation',
  },
];

const { root } = protobuf.parse(`syntax = "proto3"; message TensorProto {
  repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9;
}`, { keepCase: true });
const TensorProto = root.lookupType('TensorProto');
const TYPES = { 1: ['float32', Float32Array], 6: ['int32', Int32Array], 11: ['float64', Float64Array] };

const readTensors = (folder, kind) => {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}_`));
  return Object.fromEntries(files.map((file) => {
    const proto = TensorProto.decode(readFileSync(join(folder, file)));
    const [type, TypedArray] = TYPES[proto.data_type];
    const data = new TypedArray(new Uint8Array(proto.raw_data).buffer);
    return [proto.name, new ort.Tensor(type, data, proto.dims.map(Number))];
  }));
};

const run = async (folder) => {
  const data = join(folder, 'test_data_set_0');
  const session = await ort.InferenceSession.create(readFileSync(join(folder, 'model.onnx')));
  const results = await session.run(readTensors(data, 'input'));
  const tolerances = readTensors(data, 'tolerance');
  for (const [name, want] of Object.entries(readTensors(data, 'output'))) {
    const got = results[name];
    assert.deepEqual(got.dims, want.dims, `${name} has shape ${got.dims}, want ${want.dims}`);
    const at = want.data.findIndex((value, i) => !(Math.abs(got.data[i] - value) <= tolerances[name].data[i]));
    assert.equal(at, -1, `${name} is wrong at element ${at}: got ${got.data[at]}, want ${want.data[at]}`);
  }
  await session.release();
};

for (const golden of JSON.parse(readFileSync(join(VECTORS, 'index.json'), 'utf8')).goldens) {
  const path = golden.files.onnx?.float32;
  if (path) {
    test(golden.id, async (t) => {
      const known = KNOWN_FAILURES.find(({ ids }) => ids.test(golden.id));
      if (!known) return run(join(VECTORS, path));
      await assert.rejects(run(join(VECTORS, path)), known.error, 'remove it from KNOWN_FAILURES');
      t.skip(known.reason);
    });
  }
}
