// The position of an element as text, and the wrong element that is computed first.

const AXES = {
  query_heads: "query head",
  heads: "head",
  key_heads: "key head",
  beta_heads: "beta",
  groups: "group",
  d_k: "key",
  d_v: "value",
  d: "unit",
  hidden_size: "unit",
  channels: "channel",
};

/**
 * Returns the position of an element of an output as text: `time step 2 (batch 0, unit 1)` of out,
 * `layer 0 (batch 0, unit 1, reverse direction)` of a state.
 */
export function placeOf(about, output, index) {
  if (about.axes) return placeInRecurrence(about, output, index);
  if (output === "out") {
    const [time, last] = index.slice(-2);
    const isReverse = last >= about.outputSize;
    const unit = isReverse ? last - about.outputSize : last;
    return `time step ${time} (${inBatch(index.slice(0, -2))}unit ${unit}${isReverse ? ", reverse direction" : ""})`;
  }
  const layer = Math.floor(index[0] / about.directions);
  const direction = ["forward", "reverse"][index[0] % about.directions];
  const end = about.directions > 1 ? `, ${direction} direction` : "";
  return `layer ${layer} (${inBatch(index.slice(1, -1))}unit ${index.at(-1)}${end})`;
}

function placeInRecurrence(about, output, index) {
  const [batch, ...others] = index;
  if (output !== about.outputs[0]) return `batch ${batch}, ${listed(about.axes[output], others)}`;
  const [time, ...rest] = others;
  return `time step ${time} (batch ${batch}, ${listed(about.axes[output], rest)})`;
}

const listed = (axes, index) => axes.map((axis, i) => `${AXES[axis] ?? axis} ${index[i]}`).join(", ");

const inBatch = (index) => index.map((batch) => `batch ${batch}, `).join("");

/** Returns the axis of an output that is time; undefined for a last state. */
export function timeAxis(about, output, rank) {
  if (output !== about.outputs[0]) return undefined;
  return about.axes ? 1 : rank - 2;
}

/**
 * Returns the wrong element that is computed first. For out, this is the earliest in the order of its direction: the
 * reverse direction starts at the end of a sequence. For a last state, it is the first in memory.
 */
export function firstOf(about, output, indices) {
  const axis = timeAxis(about, output, indices[0].length);
  if (axis === undefined) return indices[0];
  let [first, earliest] = [indices[0], Infinity];
  for (const index of indices) {
    const order = about.axes ? index[axis] : orderInNetwork(about, index, axis);
    if (order < earliest) [first, earliest] = [index, order];
  }
  return first;
}

function orderInNetwork(about, index, axis) {
  const time = index[axis];
  const length = about.lengths ? about.lengths[index[0]] : about.time;
  const fromTheEnd = index.at(-1) >= about.outputSize && time < length;
  return fromTheEnd ? length - 1 - time : time;
}
