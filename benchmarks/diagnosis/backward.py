"""What a failing run says of wrong backward passes: the right name, one that is alike, none, or a wrong one.

    python -m benchmarks.diagnosis.backward    # some minutes; --write renews docs/results/diagnosis-backward.md

Every deviation of the backward pass in every cell that it can be in, as an implementation in the arithmetic of the
precision, checked against every golden with gradients, and diagnosed as a run is. Then deviations of the forward pass,
of which a run gets the gradients alone. Exits with 1 if a wrong name is given, or none of a wrong backward pass.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks import page
from benchmarks.diagnosis.outcomes import diagnosed
from rnn_goldens import Golden
from rnn_goldens.cells import Backward, Case, case_of
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.diagnosis.asked import Cause
from rnn_goldens.diagnosis.causes import EXPLAINED
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.judging.given import gradients_given

PAGE = "diagnosis-backward.md"

DTYPES = ("float64", "float32")

NAMED, AMONG, PARTLY, NONE, WRONG, PASSES = "named", "among others", "partly", "no name", "wrong name", "passes"
OUTCOMES = (NAMED, AMONG, PARTLY, NONE, WRONG, PASSES)

BACKWARD, FORWARD = "of the backward pass", "of the forward pass, differentiated"

INTRODUCTION = """# What a failing run says of wrong gradients

<!-- Made by `python -m benchmarks.diagnosis.backward --write`; do not edit. -->

Each deviation of the backward pass in each cell that it can be in, as an implementation in the arithmetic of the
precision, checked against every golden of the cell that has gradients, and diagnosed as a run is; and each deviation of
the forward pass that is other equations, differentiated as a framework does it: their outputs are not checked.

**named**: one cause explains the run, and it is the right one. **among others**: the right one is said to be alike, or
gives the same gradients on every golden to the last tolerance. **partly**: it explains some of the failures, or goldens
passed in which it would show. **no name**: facts alone. **wrong name**: what is said to explain the run is something
else. **passes**: no golden fails."""


@dataclass(frozen=True)
class Result:
    """What a run of a wrong backward pass says; the seconds are those of the diagnosis."""

    group: str
    name: str
    cell: str
    dtype: str
    outcome: str
    said: str
    seconds: float


Wrong = tuple[str, str, str, str]
"""The group, the deviation, the cell and the precision."""

Gradients = Callable[[Golden], Mapping[str, object]]


def wrongs() -> Iterator[Wrong]:
    """All there are."""
    for dtype in DTYPES:
        for d in BACKWARD_DEVIATIONS:
            yield from ((BACKWARD, d.name, cell, dtype) for cell in CELLS if cell in d.cells)
        for forward in DEVIATIONS:
            if forward.wrong.acts_on == ("equations",):
                yield from ((FORWARD, forward.name, cell, dtype) for cell in forward.wrong.equations)


@cache
def goldens(cell: str, dtype: str) -> tuple[Golden, ...]:
    """Those of a cell whose gradients can be checked in a precision."""
    corpus = open_corpus()
    ids = [e.id for e in corpus.entries if e.cell == cell and e.gradients and dtype in e.gradients.precisions]
    return tuple(corpus.load(golden_id, dtype, gradients=True) for golden_id in ids)


def gradients(group: str, name: str, golden: Golden) -> Mapping[str, object]:
    """What the wrong implementation gives."""
    dtype = np.float64 if golden.dtype == "float64" else np.float32
    case = case_of(golden, dtype)
    cotangents = {of: array.astype(dtype) for of, array in golden.cotangents.items()}
    with np.errstate(all="ignore"):
        if group == BACKWARD:
            found = deviation(name).gradients(case, cotangents)
        else:
            found = _differentiated(name)().gradients(case, cotangents)
    return {of: PRECISIONS[golden.dtype].round(np.asarray(array)) for of, array in found.items()}


def _differentiated(name: str) -> type[Backward]:
    equations = deviation(name).wrong.equations

    class Differentiated(Backward):
        def cell(self, case: Case):  # type: ignore[no-untyped-def] # noqa: ANN202 - as the base has it
            right = super().cell(case)
            return with_equations(right, equations[right.name]) if right.name in equations else right

    return Differentiated


def result_of(wrong: Wrong) -> Result:
    """What a run of one of them says."""
    group, name, cell, dtype = wrong
    diagnosis, seconds = diagnosed(
        goldens(cell, dtype), lambda golden: gradients_given(golden, gradients(group, name, golden))
    )
    if diagnosis is None:
        return Result(*wrong, PASSES, "", 0.0)
    named = [suspect.cause for suspect in diagnosis.suspects]
    alike = [cause for suspect in diagnosis.suspects for cause in suspect.alike]
    said = ", ".join(" & ".join(cause) for cause in (*named, *alike))
    return Result(*wrong, _outcome(wrong, named, alike, certain=diagnosis.certainty == EXPLAINED), said, seconds)


def _outcome(wrong: Wrong, named: Sequence[Cause], alike: Sequence[Cause], *, certain: bool) -> str:
    name = wrong[1]
    if not named:
        return NONE
    if certain and named == [(name,)]:
        return AMONG if alike else NAMED
    if certain and ((name,) in alike or all(_is_the_same(wrong, cause) for cause in named)):
        return AMONG
    return PARTLY if not certain or (len(named) > 1 and (name,) in named) else WRONG


def _is_the_same(wrong: Wrong, cause: Cause) -> bool:
    """Whether a single cause gives the same gradients, within a hundredth of what is allowed."""
    group, name, cell, dtype = wrong
    if len(cause) > 1 or cause[0] in {d.name for d in DEVIATIONS} or group != BACKWARD:
        return False
    for golden in goldens(cell, dtype):
        assert golden.gradients is not None
        mine, other = gradients(group, name, golden), gradients(group, cause[0], golden)
        for of, array in mine.items():
            allowed = golden.gradients.tolerance.allowed(of, golden.gradients.expected[of], PRECISIONS[dtype])
            if (np.abs(np.asarray(array) - np.asarray(other[of])) > allowed / 100).any():
                return False
    return True


def report(results: Sequence[Result]) -> str:
    """The page."""
    rows = []
    for group in (BACKWARD, FORWARD):
        for dtype in DTYPES:
            of_it = [one for one in results if (one.group, one.dtype) == (group, dtype)]
            count = Counter(one.outcome for one in of_it)
            slowest = max((one.seconds for one in of_it), default=0.0)
            rows.append([f"{group}, {dtype}", len(of_it), *(count[o] for o in OUTCOMES), f"{slowest:.1f}"])
    parts = [INTRODUCTION, page.table(("", "asked", *OUTCOMES, "slowest, s"), rows)]
    for outcome in (WRONG, NONE, PARTLY, AMONG, PASSES):
        lines = [
            f"- {one.cell} in {one.dtype}, {one.name}{f': {one.said}' if one.said else ''}"[:158]
            for one in results
            if one.outcome == outcome
        ]
        if lines:
            parts.append(f"## {outcome.capitalize()}\n\n" + "\n".join(lines))
    return "\n\n".join([*parts, page.versions("numpy")]) + "\n"


def main() -> None:
    """Run and print; exit with 1 if a wrong name is given, or none of a wrong backward pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes) as pool:
        results = list(pool.map(result_of, wrongs(), chunksize=4))
    text = report(results)
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if any(one.outcome == WRONG or (one.outcome == NONE and one.group == BACKWARD) for one in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
