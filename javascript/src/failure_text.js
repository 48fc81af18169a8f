// The text of a failure. The first line can be understood alone; lines on each output and the purpose follow.

import { counted, general, grouped, shortest } from "./number_text.js";
import { precisions } from "./precision.js";

const WIDTH = 110;
const PURPOSE_LINES = 3;
const OWN_PLACES_LINES = 2;
const MANY_STEPS = 12;

/** Describes the differences of a comparison that failed. */
export function failureText(about, differences) {
  const wrong = differences.find((difference) => !passed(difference));
  const [sizes, ownPlaces] = about.embedding ?? [];
  const where = `${about.id} in ${about.dtype}${sizes ? ` with ${sizes}` : ""}`;
  const lines = [`${where}: ${headline(about, wrong)}`];
  for (const difference of differences) {
    for (const line of details(about, difference)) lines.push(`  ${difference.output}: ${line}`);
  }
  if (ownPlaces) lines.push(...wrapped(ownPlaces, OWN_PLACES_LINES));
  return [...lines, ...wrapped(`purpose: ${about.purpose}`, PURPOSE_LINES)].join("\n");
}

/** Returns whether an output is right. */
export const passed = (difference) => difference.problem === null && difference.wrong === 0;

function headline(about, difference) {
  if (!difference.first) return `${difference.output} ${difference.problem}`;
  const [got, want] = values(about, difference, difference.first);
  const { output, first } = difference;
  return `${output} is first wrong at ${first.place}: got ${got}, want ${want} (${counts(difference)})`;
}

function details(about, difference) {
  if (difference.problem !== null) return [difference.problem];
  const { size, largest, computedIn } = difference;
  if (!largest) return [size > 1 ? `all ${grouped(size)} elements right` : "its one element is right"];
  const lines = [`${counts(difference)}${atSteps(about, difference)}${notFinite(difference)}`];
  if (computedIn) {
    lines.push(`every value is a ${computedIn} number: computed in ${computedIn}, not in the declared ${about.dtype}?`);
  }
  if (Number.isFinite(largest.got)) {
    const error = general(Math.abs(largest.got - largest.want), 6);
    const allowed = largest.allowed ? `allowed is ${general(largest.allowed, 3)}` : "none is allowed";
    const [got, want] = values(about, difference, largest);
    lines.push(`largest error ${error} (${allowed}) at ${largest.place}: got ${got}, want ${want}`);
  }
  return lines;
}

const counts = ({ wrong, size }) => `${grouped(wrong)} of ${counted(size, "element")} wrong`;

function notFinite({ nan, infinite }) {
  const found = [[nan, "NaN"], [infinite, "infinite"]].filter(([count]) => count);
  return found.length ? `, among them ${found.map(([count, name]) => `${count} ${name}`).join(", ")}` : "";
}

function atSteps(about, { timeSteps: steps }) {
  const last = about.time - 1;
  if (!steps.length) return "";
  if (steps.length === 1) return ` at time step ${steps[0]} of 0 to ${last}`;
  const end = steps.at(-1);
  if (end - steps[0] === steps.length - 1) return ` at time steps ${steps[0]} to ${end} of 0 to ${last}`;
  const listed = steps.slice(0, MANY_STEPS).join(", ") + (steps.length > MANY_STEPS ? " …" : "");
  return ` at ${steps.length} time steps (${listed}) of 0 to ${last}`;
}

/** Returns both values with the digits of their precision, or with all digits if these digits are equal. */
function values(about, difference, { got, want }) {
  const isPrecision = difference.dtype in precisions;
  const texts = precisions[about.dtype].isInteger
    ? [general(got + 0, 6), general(want, 6)]
    : [
        shortest(got, isPrecision ? carried(difference.dtype) : "float64"),
        shortest(precisions[about.dtype].round(want), carried(about.dtype)),
      ];
  return texts[0] === texts[1] ? [shortest(got), shortest(want)] : texts;
}

/** Returns the type whose digits the Python package writes: NumPy has no bfloat16. */
const carried = (dtype) => (dtype === "bfloat16" ? "float32" : dtype);

/** Returns the lines of a text, the first indented by two spaces and the others by four. */
function wrapped(text, most) {
  const lines = [];
  let line = " ";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "   ";
    }
    line += ` ${word}`;
  }
  lines.push(line);
  return lines.length > most ? shortened(lines, most) : lines;
}

/** Returns the first lines, of which the last ends with an ellipsis. */
function shortened(lines, most) {
  const kept = lines.slice(0, most);
  let last = kept.pop();
  while (last.length + 2 > WIDTH) last = last.slice(0, last.lastIndexOf(" "));
  return [...kept, `${last} …`];
}
