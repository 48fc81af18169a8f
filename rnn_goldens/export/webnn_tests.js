// META: title=WebNN {operator}: goldens of rnn-goldens
// META: global=window,dedicatedworker
// META: variant=?cpu
// META: variant=?gpu
// META: variant=?npu
// META: script=../resources/utils.js
// META: timeout=long

'use strict';

// Expected outputs are exact results, rounded once to double. Each element has a tolerance: the largest rounding error
// of a correct implementation in float32. https://github.com/rnn-goldens/rnn-goldens

const goldens = [
  // GOLDENS
];

const testGolden = (golden) => {
  promise_test(async () => {
    const context = await navigator.ml.createContext(contextOptions);
    validateContextSupportsGraph(context, golden.graph);
    const builder = new MLGraphBuilder(context);
    const {result} =
        await buildAndExecuteGraph(context, builder, golden.graph);
    const outputs = Object.entries(golden.graph.expectedOutputs);
    for (const [name, {data, tolerance}] of outputs) {
      assert_equals(result[name].length, data.length, `length of ${name}`);
      data.forEach((want, k) => {
        assert_approx_equals(
            result[name][k], want, tolerance[k], `${name}[${k}]`);
      });
    }
  }, golden.name);
};

if (navigator.ml) {
  goldens.forEach(testGolden);
} else {
  test(() => assert_implements(navigator.ml, 'missing navigator.ml'));
}
