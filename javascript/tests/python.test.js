// The Python package and this package give the same answers, to the last bit and letter.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as asStored from "rnn-goldens";
import { source, temporaryFolder } from "./installed.js";

const { entries, load, select } = asStored;

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = process.env.PYTHON ?? `${root}.venv/bin/python`;
let answers;

before(async () => {
  answers = await answersOfPython();
});

async function answersOfPython(...sizes) {
  const found = { selection: [], golden: [], verdict: [], deviation: [] };
  const child = spawn(python, ["javascript/tests/python_answers.py", ...sizes], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const answer = JSON.parse(line);
    found[answer.kind].push(answer);
  }
  return found;
}

const pairs = entries.reduce((sum, { precisions }) => sum + precisions.length, 0);

test("selections are equal", async () => {
  assert.equal(answers.selection.length, 17);
  for (const { selection, ids } of answers.selection) {
    const found = await select(selection);
    assert.deepEqual(found.map(({ id }) => id), ids, JSON.stringify(selection));
  }
});

test("inputs, states, weights, expected values and tolerances are equal in every precision", async () => {
  assert.equal(answers.golden.length, pairs);
  for (const answer of answers.golden) await assertSameArrays(answer);
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
    assert.ok(wrong.length >= 0.95 * names.size, `${wrong.length} wrong results in ${dtype}`);
  }
  for (const { deviation, ...answer } of answers.deviation) await assertSameVerdict(answer, deviation);
});

test("a package that is built in larger sizes has Python's embedded goldens and verdicts", async () => {
  const sizes = "hidden_size=17,input_size=9,batch=5,d_k=16,d_v=20,d=20";
  const folder = temporaryFolder();
  for (const name of ["package.json", "src"]) cpSync(join(source, name), join(folder, name), { recursive: true });
  execFileSync(python, ["javascript/build.py", "--embed", sizes, "--data", join(folder, "data")], { cwd: root });
  const larger = await import(pathToFileURL(join(folder, "src/index.js")));
  const found = await answersOfPython(sizes);
  assert.ok(found.golden.length > 150, `${found.golden.length} goldens`);
  for (const answer of found.golden) await assertSameArrays(answer, larger);
  for (const answer of found.verdict) await assertSameVerdict(answer, "wrong outputs in larger sizes", larger);
  const { message } = found.verdict.find(({ id, passed }) => id.startsWith("lstm/") && !passed);
  assert.match(message, / with hidden_size=17,input_size=9,batch=5: [^]* the golden's own places: hidden_size /);
  await assert.rejects(larger.load("lstm/unbatched"), RangeError);
});

async function assertSameArrays({ kind, id, dtype, ...arrays }, { load } = asStored) {
  const golden = await load(id, { dtype });
  for (const [of, byName] of Object.entries(arrays)) {
    assert.deepEqual(Object.keys(golden[of]), Object.keys(byName), `${id} ${of}`);
    for (const [name, expected] of Object.entries(byName)) {
      assert.equal(bits(golden[of][name].data), expected, `${id} in ${dtype}: ${of} ${name}`);
    }
  }
}

async function assertSameVerdict(
  { kind, id, dtype, outputs, ...expected },
  of = "wrong outputs",
  { compare, load } = asStored,
) {
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
