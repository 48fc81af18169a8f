// The four recurrent operators of WebNN in double precision, written from the API's definitions of shapes and options:
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-gru and the sections on gruCell, lstm and lstmCell.

const sigmoid = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));
const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);

// A tensor as nested arrays, and nested arrays as a tensor.
function nested({ shape, data }) {
  const [length, ...rest] = shape;
  if (!rest.length) return [...data];
  const size = data.length / length;
  return Array.from({ length }, (_, k) => nested({ shape: rest, data: data.slice(k * size, (k + 1) * size) }));
}
const shapeOf = (value) => (Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : []);
const tensor = (value) => ({ shape: shapeOf(value), data: value.flat(Infinity) });

// The rows of each gate: what the input and the recurrent product give for a sequence of the batch.
function gates(names, hiddenSize, { weight, recurrentWeight, bias, recurrentBias }, x, h) {
  const row = (matrix, offset, vector, k) => dot(matrix[k], vector) + (offset ? offset[k] : 0);
  const units = (k) => Array.from({ length: hiddenSize }, (_, unit) => k * hiddenSize + unit);
  const of = (k) => ({
    x: units(k).map((r) => row(weight, bias, x, r)),
    h: units(k).map((r) => row(recurrentWeight, recurrentBias, h, r)),
  });
  return Object.fromEntries([...names].map((name, k) => [name, of(k)]));
}

const added = ({ x, h }) => x.map((value, unit) => value + h[unit]);

function gruStep(w, hiddenSize, { layout = "zrn", resetAfter = true }, x, [h]) {
  const { z, r, n } = gates(layout, hiddenSize, w, x, h);
  const [update, reset] = [added(z).map(sigmoid), added(r).map(sigmoid)];
  const recurrent = resetAfter
    ? n.h.map((value, unit) => reset[unit] * value)
    : gates(layout, hiddenSize, w, x, h.map((value, unit) => reset[unit] * value)).n.h;
  const candidate = n.x.map((value, unit) => Math.tanh(value + recurrent[unit]));
  return [h.map((value, unit) => update[unit] * value + (1 - update[unit]) * candidate[unit])];
}

function lstmStep(w, hiddenSize, { layout = "iofg" }, x, [h, c]) {
  const { i, o, f, g } = gates(layout, hiddenSize, w, x, h);
  const [input, output, forget] = [i, o, f].map((gate) => added(gate).map(sigmoid));
  const candidate = added(g).map(Math.tanh);
  const cell = c.map((value, unit) => forget[unit] * value + input[unit] * candidate[unit]);
  return [cell.map((value, unit) => output[unit] * Math.tanh(value)), cell];
}

// One time step of a batch: states [batch][unit], and those of the next step.
function batchStep(step, w, hiddenSize, options, x, states) {
  const rows = x.map((row, b) => step(w, hiddenSize, options, row, states.map((state) => state[b])));
  return states.map((_, k) => rows.map((row) => row[k]));
}

const WEIGHTS = ["bias", "recurrentBias"];

function cell(step, input, weight, recurrentWeight, states, hiddenSize, options) {
  const w = { weight: nested(weight), recurrentWeight: nested(recurrentWeight) };
  for (const name of WEIGHTS) w[name] = options[name] && nested(options[name]);
  return batchStep(step, w, hiddenSize, options, nested(input), states.map(nested)).map(tensor);
}

export const gruCell = (input, weight, recurrentWeight, hidden, hiddenSize, options) =>
  cell(gruStep, input, weight, recurrentWeight, [hidden], hiddenSize, options);
export const lstmCell = (input, weight, recurrentWeight, hidden, cellState, hiddenSize, options) =>
  cell(lstmStep, input, weight, recurrentWeight, [hidden, cellState], hiddenSize, options);

function network(step, stateNames, input, weight, recurrentWeight, steps, hiddenSize, options) {
  const x = nested(input);
  const { direction = "forward", returnSequence = false } = options;
  const zeros = x[0].map(() => Array(hiddenSize).fill(0));
  const results = (direction === "both" ? ["forward", "backward"] : [direction]).map((way, d) => {
    const w = { weight: nested(weight)[d], recurrentWeight: nested(recurrentWeight)[d] };
    for (const name of WEIGHTS) w[name] = options[name] && nested(options[name])[d];
    let states = stateNames.map((name) => (options[name] ? nested(options[name])[d] : zeros));
    const sequence = Array(steps);
    for (let s = 0; s < steps; s++) {
      const t = way === "backward" ? steps - 1 - s : s;
      states = batchStep(step, w, hiddenSize, options, x[t], states);
      sequence[t] = states[0];
    }
    return { states, sequence };
  });
  const last = stateNames.map((_, k) => results.map(({ states }) => states[k]));
  const sequence = Array.from({ length: steps }, (_, t) => results.map((result) => result.sequence[t]));
  return [...last, ...(returnSequence ? [sequence] : [])].map(tensor);
}

export const gru = (...given) => network(gruStep, ["initialHiddenState"], ...given);
export const lstm = (...given) => network(lstmStep, ["initialHiddenState", "initialCellState"], ...given);
