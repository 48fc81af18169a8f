"""Where on the argument of each activation the corpus looks, and how small an error it sees there.

    python -m benchmarks.argument_coverage    # from the checkout; --write renews docs/results/arguments.md

For each activation of each cell (an LSTM has five) and each band of its argument, the activation's result is moved a
little there and nowhere else, golden by golden. Exits with 1 if a band is seen by no golden, or less sharply than it
can be, and is not listed with the reason.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import page, page_check
from rnn_goldens import Golden
from rnn_goldens.cells import DEFINED, Array, Case, Network, State, Weights, case_of
from rnn_goldens.cells.program import Operation, Program
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations.activations import BANDS
from rnn_goldens.golden.precision import PRECISIONS

PAGE = "arguments.md"
CELLS = ("rnn_tanh", "lstm", "gru")
ACTIVATIONS = ("tanh", "sigmoid")
EPSILON = 2.0**-16
"""What a result is moved by: little enough that errors grow in proportion."""

ENOUGH = 2.0
"""An error shows if it is so many tolerances, as a deviation has to."""

BLUNT: Mapping[str, float] = {"float64": 128, "float32": 128, "bfloat16": 64, "float16": 64}
"""In roundoffs: where a smaller error does not show, a band counts as not looked at."""

Band = tuple[float, float]
Place = tuple[str, str, Band]
"""A cell, one of its activations, and a band of its argument."""

Sharpness = Mapping[str, tuple[float, str]]
"""By precision, the smallest error that shows, in roundoffs, and the golden that shows it."""

NOT_SEEN = (
    (("lstm", "tanh of c"), 4.0, "bfloat16", "a cell beyond 4 may be off by more than 0.1, where nothing is checked"),
)
"""An activation, from which size of its argument on, the precision in which no error there can show, and why."""

PICTURE = "arguments.svg"

NONE = "none"
"""Where no golden shows any error."""

INTRODUCTION = """# Where the corpus looks

<!-- Made by `python -m benchmarks.argument_coverage --write`; do not edit. -->

For each activation of each cell, and each band of its argument: the smallest error of its result, in
roundoffs, that some golden shows with twice its tolerance. An activation may itself be off by 8, so 16 is as
sharp as can be in float64 and float32. The side of zero that is looked at less sharply counts. Chaotic
goldens, in which errors do not stay in proportion, are left out.

![the same as a picture](arguments.svg)"""


@dataclass(frozen=True)
class Activation:
    """One activation of a cell: the ``number``-th that a step computes."""

    number: int
    label: str


class Looking(Network):
    """Remembers what its activations get."""

    def __init__(self) -> None:
        self.arguments: dict[int, list[Array]] = {}
        self.number = 0

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Counts the activations of each step anew."""
        self.number = 0
        return super().step(case, suffix, w, layer_input, t, state)

    def tanh(self, z: Array) -> Array:
        """Looked at."""
        return self.looked_at(z, super().tanh(z))

    def sigmoid(self, z: Array) -> Array:
        """Looked at."""
        return self.looked_at(z, super().sigmoid(z))

    def looked_at(self, z: Array, y: Array) -> Array:
        """The result, as it is."""
        self.arguments.setdefault(self.number, []).append(z)
        self.number += 1
        return y


class Moved(Looking):
    """Moves the result of one activation where its argument is in a band."""

    def __init__(self, number: int, band: Band) -> None:
        super().__init__()
        self.moved, (self.low, self.high) = number, band

    def looked_at(self, z: Array, y: Array) -> Array:
        """The result, moved where it is to be."""
        here = self.number == self.moved
        self.number += 1
        return np.where((z >= self.low) & (z < self.high), y + EPSILON, y) if here else y


COLUMNS: page_check.Columns = {
    **dict.fromkeys(PRECISIONS, page_check.Column(everywhere=True, by=0.2)),
    "sharpest in float32": page_check.FIXED,
}
"""How the page is held against what was measured."""


def main() -> None:
    """Run and print; exit with 1 if a band is not looked at, or a checked page says otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    with_page = parser.add_mutually_exclusive_group()
    with_page.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE} and its picture")
    with_page.add_argument("--check", action="store_true", help=f"fail if docs/results/{PAGE} says otherwise")
    parser.add_argument("--corpus", help="another corpus than the newest: a version, or a folder")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    found = coverage(arguments.corpus, arguments.processes)
    text = report(found)
    print(text)
    blind = list(not_looked_at(found))
    print(*blind, f"{len(blind)} bands are not looked at that could be", sep="\n")
    if arguments.write:
        page.write(PAGE, text)
        (page.RESULTS / PICTURE).write_text(picture(found), "utf-8")
    if blind or (arguments.check and not page_check.check(PAGE, text, COLUMNS)):
        sys.exit(1)


def not_looked_at(found: Mapping[Place, Sharpness]) -> Iterator[str]:
    """Places where no error as small as it should be shows, and that are not listed with a reason; and the reverse."""
    for (cell, label, band), sharpness in found.items():
        for precision in PRECISIONS:
            error, _ = sharpness.get(precision, (np.inf, ""))
            known = _reason(cell, label, band, precision)
            if error > BLUNT[precision] and not known:
                yield f"{cell}, {label}, {_spelled(band)}, {precision}: nothing below {error:.3g} roundoffs shows"
            if error <= BLUNT[precision] and known:
                yield f"{cell}, {label}, {_spelled(band)}, {precision}: listed as not seen, and seen"


def _reason(cell: str, label: str, band: Band, precision: str) -> str:
    return next(
        (
            why
            for names, edge, held, why in NOT_SEEN
            if (cell, label) == names and precision == held and min(map(abs, band)) >= edge
        ),
        "",
    )


def report(found: Mapping[Place, Sharpness]) -> str:
    """The page: a table for each activation."""
    parts = [INTRODUCTION]
    for cell in CELLS:
        for activation in activations(cell):
            rows = [_row(found, cell, activation.label, edges) for edges in pairwise((*BANDS, np.inf))]
            parts.append(
                f"## {cell}: {activation.label}\n\n"
                + page.table(["size of the argument", *PRECISIONS, "sharpest in float32"], rows)
            )
    parts.append(
        "## Not looked at\n\n"
        + "\n".join(
            f"- {cell}, {label}, from {edge:g} on, {precision}: {why}."
            for (cell, label), edge, precision, why in NOT_SEEN
        )
    )
    return "\n\n".join([*parts, page.versions("numpy")]) + "\n"


def _row(found: Mapping[Place, Sharpness], cell: str, label: str, edges: Band) -> list[str]:
    """The blunter of the two sides of zero."""
    sides = [found[cell, label, band] for band in (edges, (-edges[1], -edges[0]))]
    worst = {p: max((side.get(p, (np.inf, "")) for side in sides), key=lambda seen: seen[0]) for p in PRECISIONS}
    cells = [f"{error:.1f}" if error < np.inf else NONE for error, _ in worst.values()]
    return [_spelled(edges), *cells, f"`{worst['float32'][1]}`" if worst["float32"][1] else NONE]


def _spelled(band: Band) -> str:
    low, high = band
    return f"{low:.3g} to {high:.3g}".replace("inf", "∞")


def picture(found: Mapping[Place, Sharpness]) -> str:
    """An SVG: a row for each activation, a column for each band, minus to plus; the darker, the sharper in float32."""
    columns = sorted(bands())
    rows = [(cell, activation.label) for cell in CELLS for activation in activations(cell)]
    width, height, left, top = 22, 26, 170, 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width * len(columns) + 10}" '
        f'height="{top + height * len(rows) + 70}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="18">the smallest error that shows in float32: '
        "dark 16 roundoffs, light 128, white none</text>",
    ]
    for y, (cell, label) in enumerate(rows):
        parts.append(f'<text x="{left - 8}" y="{top + height * y + 17}" text-anchor="end">{cell}: {label}</text>')
        for x, band in enumerate(columns):
            error, golden = found[cell, label, band].get("float32", (np.inf, "none"))
            shade = 255 if error == np.inf else round(230 * min(max(np.log2(error / 16) / 3, 0), 1))
            parts.append(
                f'<rect x="{left + width * x}" y="{top + height * y}" width="{width - 2}" height="{height - 2}" '
                f'fill="rgb({shade},{shade},{min(255, shade + 60)})">'
                f"<title>{_spelled(band)}: {error:.3g}, {golden}</title></rect>"
            )
    foot = top + height * len(rows) + 6
    parts += [
        f'<text transform="translate({left + width * x + 8},{foot}) rotate(60)" font-size="10">{low:.3g}</text>'
        for x, (low, _) in enumerate(columns)
        if low > -np.inf
    ]
    return "\n".join([*parts, "</svg>", ""])


def bands() -> tuple[Band, ...]:
    """Of the argument, with its sign: each on either side of zero, and beyond the last to infinity."""
    edges = (*BANDS, np.inf)
    return tuple(band for low, high in pairwise(edges) for band in ((low, high), (-high, -low)))


def activations(cell: str) -> list[Activation]:
    """Those of a cell, in the order in which a step computes them."""
    program = DEFINED[cell].at_once.program(dict.fromkeys(("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    found = [o for o in program.operations if o.primitive in ACTIVATIONS]
    return [Activation(k, f"{o.primitive} {_of_what(o, program, DEFINED[cell].gates)}") for k, o in enumerate(found)]


def _of_what(operation: Operation, program: Program, gates: str) -> str:
    """The gate whose rows an activation's argument is made of; a state, if it is made of none."""
    todo = list(operation.of)
    while todo:
        k = todo.pop(0)
        if k >= program.inputs:
            found = program.operations[k - program.inputs]
            if found.primitive == "block":
                return f"of {gates[found.detail[0]]}"
            if found.primitive == "affine":
                return f"of {gates}"
            if found.primitive in ACTIVATIONS:
                return "of c"
            todo += found.of
    return "of c"


def coverage(folder: str | None, processes: int) -> dict[Place, Sharpness]:
    """For each place, the smallest error that shows, over all goldens."""
    corpus = open_corpus(folder)
    ids = [entry.id for entry in corpus.entries if entry.cell in CELLS and "chaotic" not in entry.features]
    best: dict[Place, dict[str, tuple[float, str]]] = {
        (cell, activation.label, band): {} for cell in CELLS for activation in activations(cell) for band in bands()
    }
    with ProcessPoolExecutor(processes) as pool:
        for of_golden in pool.map(partial(of_one, folder), ids, chunksize=4):
            for place, precision, error, golden_id in of_golden:
                if error < best[place].get(precision, (np.inf, ""))[0]:
                    best[place][precision] = error, golden_id
    return best  # type: ignore[return-value] # a dict is a mapping


def of_one(folder: str | None, golden_id: str) -> list[tuple[Place, str, float, str]]:
    """What one golden sees: at each place, in each precision, the smallest error that shows."""
    golden = open_corpus(folder).load(golden_id, dtype="float64")
    case, looking = case_of(golden, np.float64), Looking()
    looking.run(case)
    found = []
    for activation in activations(golden.cell):
        arguments = np.concatenate([z.ravel() for z in looking.arguments[activation.number]])
        for band in bands():
            if ((arguments >= band[0]) & (arguments < band[1])).any():
                outputs = Moved(activation.number, band).run(case)
                for precision, error in _smallest(golden, outputs):
                    found.append(((golden.cell, activation.label, band), precision, error, golden_id))
    return found


def _smallest(golden: Golden, outputs: tuple[Array, ...]) -> Iterator[tuple[str, float]]:
    for name in golden.precisions:
        precision, largest = PRECISIONS[name], 0.0
        for output, moved in zip(("out", "h_n", "c_n"), outputs, strict=False):
            want = getattr(golden.stored, output)
            allowed = golden.tolerance.allowed(output, want, precision)
            with np.errstate(invalid="ignore"):
                largest = max(largest, float((np.abs(moved - want) / allowed).max()))
        if largest > 0:
            yield name, ENOUGH * EPSILON / largest / precision.roundoff


if __name__ == "__main__":
    main()
