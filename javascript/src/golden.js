// Loads goldens from the data modules.

import { cells, folders } from "../data/index.js";
import { entryOf, precisionNamed, precisionOf, selected } from "./selection.js";
import { carrier, precisions } from "./precision.js";
import { allowedErrors } from "./tolerance.js";
import { unknownName } from "./names.js";

/** What each golden is compared with: arrays that are never handed out, so that no implementation changes them. */
const comparedWith = new WeakMap();

/** Loads the goldens that match; see index.d.ts. */
export async function select(selection) {
  const { entries, dtype } = selected(selection);
  return Promise.all(entries.map((entry) => loaded(entry, precisionOf(entry, dtype))));
}

/** Loads one golden. */
export async function load(id, { dtype = "float32" } = {}) {
  const entry = entryOf(id);
  const name = precisionOf(entry, precisionNamed(dtype));
  if (!entry.precisions.includes(name)) throw unknownName(`precision of ${id}`, name, entry.precisions);
  return loaded(entry, name);
}

/** Returns the stored data of a golden; throws for anything else. */
export function storedData(golden) {
  const data = comparedWith.get(golden);
  if (data) return data;
  throw new TypeError("the first argument must be a golden from select() or load(), not a copy of one");
}

async function loaded(entry, dtype) {
  const folder = await folders[entry.id.split("/")[0]]();
  return goldenOf(entry, folder.default[entry.id], dtype);
}

function goldenOf(entry, stored, dtype) {
  const { round } = precisions[dtype];
  const cast = ({ shape, data }, name) => array(shape, carrier(stored.types?.[name] ?? dtype, data.map(round)));
  const given0 = (shape, name) => stored.states?.[name] ?? filled(shape, stored.zeros?.[name] ?? 0);
  const states = mapped(stored.stateShapes, (shape, name) => cast(given0(shape, name), name));
  const inputs = mapped(stored.inputs, cast);
  const allowed = mapped(stored.expected, ({ data }, name) => allowedErrors(stored.tolerance, name, data, dtype));
  const given = stored.states ? Object.values(states) : [];
  const golden = Object.freeze({
    id: entry.id,
    title: entry.title,
    purpose: entry.purpose,
    documentedIn: stored.documentedIn,
    cell: entry.cell,
    config: frozenCopy(stored.config),
    options: frozenCopy(cells[entry.cell].options ?? {}),
    features: entry.features,
    precisions: entry.precisions,
    dtype,
    x: inputs.x ?? null,
    h0: states.h0 ?? null,
    c0: states.c0 ?? null,
    initialState: given.length > 1 ? Object.freeze(given) : (given[0] ?? null),
    lengths: integers(stored.lengths),
    offsets: integers(stored.offsets),
    inputs,
    states,
    weights: mapped(stored.weights, cast),
    expected: mapped(stored.expected, cast),
    tolerance: mapped(stored.expected, ({ shape }, name) => array(shape, allowed[name].slice())),
  });
  comparedWith.set(golden, { ...stored, allowed });
  return golden;
}

function array(shape, data) {
  return Object.freeze({ shape: Object.freeze([...shape]), data });
}

function integers(stored) {
  return stored && array(stored.shape, Int32Array.from(stored.data));
}

function filled(shape, number) {
  return { shape, data: new Array(shape.reduce((product, size) => product * size, 1)).fill(number) };
}

function mapped(object, change) {
  return Object.freeze(Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)])));
}

function frozenCopy(options) {
  return mapped(options, (value) => (Array.isArray(value) ? Object.freeze([...value]) : value));
}
