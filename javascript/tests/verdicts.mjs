// Compares recorded outputs with goldens: reads a JSON object per line on stdin, prints one per line on stdout.
//
//   {"golden": "lstm/plain", "dtype": "float32", "outputs": {"out": {"shape": [2, 4, 3], "data": [0, "NaN", …]}}}
//   {"passed": false, "wrong": {"out": 2, …}, "first": {"out": [0, 1, 0], …}}
//
// `wrong` is null for an output that cannot be compared, for example because of its shape.

import { createInterface } from "node:readline";
import { compare, load } from "rnn-goldens";

const loading = new Map();

function loaded(id, dtype) {
  const key = `${id} ${dtype}`;
  if (!loading.has(key)) loading.set(key, load(id, { dtype }));
  return loading.get(key);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { golden: id, dtype, outputs } = JSON.parse(line);
  const golden = await loaded(id, dtype);
  const typed = dtype === "float64" ? Float64Array : Float32Array;
  const tensors = Object.entries(outputs).map(([name, { shape, data }]) => [
    name,
    { shape, data: typed.from(data, Number) },
  ]);
  const { passed, differences } = compare(golden, Object.fromEntries(tensors));
  const found = Object.values(differences);
  const wrong = Object.fromEntries(found.map((d) => [d.output, d.problem === null ? d.wrong : null]));
  const first = Object.fromEntries(found.map((d) => [d.output, d.first?.index ?? null]));
  console.log(JSON.stringify({ passed, wrong, first }));
}
