// The Python package and this package give the same answers, to the last bit and letter.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compare, entries, load, select } from "rnn-goldens";

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = process.env.PYTHON ?? `${root}.venv/bin/python`;
const answers = { selection: [], golden: [], verdict: [], deviation: [] };

before(async () => {
  const child = spawn(python, ["javascript/tests/python_answers.py"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const answer = JSON.parse(line);
    answers[answer.kind].push(answer);
  }
});

const pairs = entries.reduce((sum, { precisions }) => sum + precisions.length, 0);

test("selections are equal", async () => {
  assert.equal(answers.selection.length, 15);
  for (const { selection, ids } of answers.selection) {
    const found = await select(selection);
    assert.deepEqual(found.map(({ id }) => id), ids, JSON.stringify(selection));
  }
});

test("inputs, states, weights, expected values and tolerances are equal in every precision", async () => {
  assert.equal(answers.golden.length, pairs);
  for (const { kind, id, dtype, ...arrays } of answers.golden) {
    const golden = await load(id, { dtype });
    for (const [of, byName] of Object.entries(arrays)) {
      assert.deepEqual(Object.keys(golden[of]), Object.keys(byName), `${id} ${of}`);
      for (const [name, expected] of Object.entries(byName)) {
        assert.equal(bits(golden[of][name].data), expected, `${id} in ${dtype}: ${of} ${name}`);
      }
    }
  }
});

test("verdicts on wrong outputs and their messages are equal", async () => {
  assert.equal(answers.verdict.length, 2 * pairs);
  for (const answer of answers.verdict) await assertSameVerdict(answer);
});

test("verdicts on known bugs, and their messages, are equal in every precision", async () => {
  const names = new Set(answers.deviation.map(({ deviation }) => deviation));
  assert.equal(names.size, 200);
  for (const dtype of ["float64", "float32", "float16", "bfloat16"]) {
    const wrong = answers.deviation.filter((answer) => answer.dtype === dtype && !answer.passed);
    assert.ok(wrong.length >= 200, `${wrong.length} wrong results in ${dtype}`);
  }
  for (const { deviation, ...answer } of answers.deviation) await assertSameVerdict(answer, deviation);
});

async function assertSameVerdict({ kind, id, dtype, outputs, ...expected }, of = "wrong outputs") {
  const verdict = compare(await load(id, { dtype }), decoded(outputs));
  const found = {
    passed: verdict.passed,
    largest_error: bits([verdict.largestError]),
    message: verdict.message,
    differences: Object.fromEntries(Object.values(verdict.differences).map(asInPython)),
  };
  const where = `${of} on ${id} in ${dtype}`;
  const [got, want] = [found, expected].map((answer) => ({
    where,
    ...answer,
    message: withoutExponents(answer.message),
  }));
  assert.deepEqual(got, want);
}

// Where exponents begin depends on the version of NumPy: 1048576.0 or 1.048576e+06.
function withoutExponents(message) {
  return message.replace(/\d+(\.\d+)?(e[+-]\d+)?/g, (number) => String(Number(number)));
}

function asInPython(d) {
  const { output, problem, dtype, size, wrong, nan, infinite } = d;
  return [
    output,
    {
      ...{ problem, dtype, size, wrong, nan, infinite },
      computed_in: d.computedIn,
      first: d.first && d.first.index,
      largest: d.largest && d.largest.index,
      time_steps: d.timeSteps,
      largest_error: bits([d.largestError]),
    },
  ];
}

function decoded(outputs) {
  const tensors = Object.entries(outputs).map(([name, { shape, dtype, data }]) => {
    const values = new Float64Array(new Uint8Array(Buffer.from(data, "base64")).buffer);
    return [name, { shape, data: dtype === "float32" ? Float32Array.from(values) : values }];
  });
  return Object.fromEntries(tensors);
}

function bits(numbers) {
  return Buffer.from(Float64Array.from(numbers).buffer).toString("base64");
}
