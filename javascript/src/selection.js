// Selects goldens by their entries in the index, without loading them.

import { cells, entries, features, precisions } from "../data/index.js";
import { quoted, unknownName } from "./names.js";

const ARGUMENTS = ["ids", "cell", "features", "without", "dtype"];
const ALL_IDS = "`entries` lists all goldens";
const cellNames = Object.keys(cells);

/** Returns the entries that match all arguments, and the precision; throws if none does. */
export function selected(selection = {}) {
  if (selection === null || typeof selection !== "object") {
    throw new TypeError(`select takes an object, such as { cell: "lstm" }, not ${quoted(selection)}`);
  }
  for (const name of Object.keys(selection)) {
    if (!ARGUMENTS.includes(name)) throw unknownName("argument of select", name, ARGUMENTS);
  }
  const dtype = precisionNamed(selection.dtype ?? "float32");
  const patterns = names("ids", selection.ids).map((text) => ({ text, matches: matcher(text) }));
  const chosen = names("cell", selection.cell).flatMap(cellsNamed);
  const [required, excluded] = ["features", "without"].map((argument) => names(argument, selection[argument]));
  for (const name of chosen) if (!(name in cells)) throw unknownName("cell", name, cellNames, allCells());
  for (const name of [...required, ...excluded]) {
    if (!features.includes(name)) throw unknownName("feature", name, features);
  }
  for (const { text, matches } of patterns) {
    if (!entries.some(({ id }) => matches(id))) throw unknownName("golden", text, entries.map(({ id }) => id), ALL_IDS);
  }
  const naming = patterns.filter(({ text }) => text.split("/")[0] !== "*"); // patterns that name a folder
  const isIn = (id, some) => some.some(({ matches }) => matches(id));
  const found = entries.filter(
    (entry) =>
      (!patterns.length || isIn(entry.id, patterns)) &&
      (chosen.length
        ? chosen.includes(entry.cell)
        : cells[entry.cell].kind === "cell" || isIn(entry.id, naming)) &&
      required.every((name) => entry.features.includes(name)) &&
      !excluded.some((name) => entry.features.includes(name)),
  );
  const matching = found.filter((entry) => entry.precisions.includes(precisionOf(entry, dtype)));
  if (matching.length) return { entries: matching, dtype };
  const inOthers = `none of the ${found.length} matching goldens can be checked in ${dtype}`;
  const which = found.length ? inOthers : "none matches";
  throw new RangeError(`no golden selected by ${JSON.stringify(selection)}: ${which}`);
}

/** Returns the entry of a golden; throws for an unknown id. */
export function entryOf(id) {
  if (typeof id !== "string") throw new TypeError(`a golden's id is text, such as ${quoted(entries[0].id)}`);
  const entry = entries.find((other) => other.id === id);
  if (!entry) throw unknownName("golden", id, entries.map((other) => other.id), ALL_IDS);
  return entry;
}

/** Returns the precision of a golden if another is asked for: that of an integer golden is its type. */
export function precisionOf({ cell, precisions: own }, dtype) {
  return cells[cell].kind === "integer" ? own[0] : dtype;
}

/** Returns the name of a precision; throws if it does not exist. */
export function precisionNamed(dtype) {
  if (!precisions.includes(dtype) && dtype !== "int8" && dtype !== "int16") throw unknownName("precision", String(dtype), precisions);
  return dtype;
}

/** Returns the cells with an option such as `linear_before_reset=0`; for another name, the name itself. */
function cellsNamed(name) {
  if (!name.includes("=")) return [name];
  const wanted = normal(name);
  const found = cellNames.filter((cell) => cells[cell].selectedBy?.some((option) => normal(option) === wanted));
  const known = [...new Set(cellNames.flatMap((cell) => cells[cell].selectedBy ?? []))];
  if (!found.length) throw unknownName("option of a dialect", name, known);
  return found;
}

/** Returns an option with its value in one form: `true` is 1, and a number is its shortest text of six digits. */
function normal(option) {
  const [name, ...rest] = option.split("=");
  const value = rest.join("=").trim();
  const word = { true: "1", false: "0" }[value.toLowerCase()] ?? value;
  const isNumber = word !== "" && !Number.isNaN(Number(word));
  return `${name.trim()}=${isNumber ? Number(Number(word).toPrecision(6)) : word}`;
}

function names(argument, value) {
  if (value === undefined) return [];
  const several = typeof value === "string" ? [value] : value;
  if (!Array.isArray(several) || !several.every((name) => typeof name === "string")) {
    throw new TypeError(`${argument} takes a name or an array of names, not ${quoted(value)}`);
  }
  if (!several.length && (argument === "ids" || argument === "cell")) {
    throw new RangeError(`${argument} is empty, which selects no golden; omit it to select by other arguments`);
  }
  return several;
}

/** Returns a function that matches a pattern as Python's fnmatch: `*`, `?`, `[ab]`, `[!ab]`. */
function matcher(pattern) {
  const part = /\*|\?|\[(!?)(\]?[^\]]*)\]|[^]/g;
  const source = pattern.replace(part, (text, not, set) => {
    if (text === "*") return "[^]*";
    if (text === "?") return "[^]";
    if (set) return `[${not ? "^" : ""}${set.replace(/[\\\]^[]/g, "\\$&")}]`;
    return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  });
  const expression = new RegExp(`^${source}$`);
  return (id) => expression.test(id);
}

function allCells() {
  const shown = cellNames.filter((name) => cells[name].kind !== "dialect");
  return `Cells: ${shown.join(", ")}; \`entries\` lists all`;
}
