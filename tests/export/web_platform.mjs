// Runs an exported test of the web-platform-tests in Node: node web_platform.mjs TEST.https.any.js [OPERATORS.mjs]
//
// The operators are those of webnn_operators.mjs, or of another module with gru, gruCell, lstm and lstmCell. Prints one
// line of JSON per test: {"name", "failure"}, where failure is null if it passed.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { runInThisContext } from "node:vm";

const [, , file, operatorsFile] = process.argv;
const operators = await import(operatorsFile ? pathToFileURL(operatorsFile) : "./webnn_operators.mjs");
const tests = [];

Object.assign(globalThis, {
  contextOptions: { deviceType: "cpu" },
  validateContextSupportsGraph() {},
  MLGraphBuilder: class {},
  async buildAndExecuteGraph(context, builder, graph) {
    const known = Object.fromEntries(
      Object.entries(graph.inputs).map(([name, { data, descriptor }]) => [name, { data, shape: descriptor.shape }]),
    );
    for (const { name, arguments: list, outputs } of graph.operators) {
      const valueOf = (value) => known[value] ?? value; // the name of an operand, or a number, text or truth value
      const positional = list.slice(0, -1).map((one) => valueOf(Object.values(one)[0]));
      const options = Object.entries(list.at(-1).options).map(([key, value]) => [key, valueOf(value)]);
      const results = [operators[name](...positional, Object.fromEntries(options))].flat();
      [outputs].flat().forEach((output, k) => (known[output] = results[k]));
    }
    const named = Object.entries(graph.expectedOutputs).map(([output, { descriptor }]) => {
      assertEquals(String(known[output].shape), String(descriptor.shape), `shape of ${output}`);
      return [output, known[output].data];
    });
    return { result: Object.fromEntries(named) };
  },
  promise_test: (run, name) => tests.push({ name, run }),
  assert_equals: assertEquals,
  assert_approx_equals(got, want, tolerance, what) {
    if (!(Math.abs(got - want) <= tolerance)) throw Error(`${what}: got ${got}, want ${want}, ± ${tolerance}`);
  },
});
Object.defineProperty(globalThis, "navigator", { value: { ml: { createContext: async () => ({}) } } });

function assertEquals(got, want, what) {
  if (got !== want) throw Error(`${what}: got ${got}, want ${want}`);
}

runInThisContext(readFileSync(file, "utf8"), { filename: file });
for (const { name, run } of tests) {
  const failure = await run().then(() => null, (error) => error.message);
  console.log(JSON.stringify({ name, failure }));
}
