"""Counts how often the diagnosis of wrong backward passes finds the right cause, part of it, none or a wrong cause.

Checks every deviation of the backward pass, in every cell that it applies to, against every golden with gradients, and
diagnoses it like a run, with the arithmetic of the precision. Then does the same for deviations of the forward pass, of
which only gradients are checked. Exits with 1 if a diagnosis identifies a wrong cause, or no cause in the first group.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.diagnosis.forward import diagnosed
from rnn_goldens import Golden
from rnn_goldens.cells import Backward, Case, case_of
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.comparison.actual import actual_gradients
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.diagnosis.candidates import Cause
from rnn_goldens.diagnosis.causes import EXPLAINED
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS

DTYPES = ("float64", "float32")

IDENTIFIED, AMONG, PARTLY, NONE, WRONG, PASSES = (
    "identified",
    "among others",
    "partly",
    "no cause",
    "wrong cause",
    "passes",
)
OUTCOMES = (IDENTIFIED, AMONG, PARTLY, NONE, WRONG, PASSES)

BACKWARD, FORWARD = "of the backward pass", "of the forward pass, differentiated"

INTRODUCTION = """## Causes of wrong gradients

Wrong backward passes were checked against every golden of their cell that has gradients; the table says how often the
run identified the right cause.

The second group has bugs of the forward pass, differentiated as by a framework; their outputs are not checked. The
columns are as above; “among others” includes causes with the same gradients on every golden, “no cause” means that
the run reported only facts, and “passes” means that no golden fails."""


@dataclass(frozen=True)
class Result:
    """The diagnosis of a wrong backward pass, and the seconds that it took."""

    group: str
    name: str
    cell: str
    dtype: str
    outcome: str
    causes: str
    seconds: float


Wrong = tuple[str, str, str, str]
"""A wrong backward pass: group, deviation, cell and precision."""

Gradients = Callable[[Golden], Mapping[str, object]]


def wrongs() -> Iterator[Wrong]:
    """Yield all wrong backward passes."""
    for dtype in DTYPES:
        for d in BACKWARD_DEVIATIONS:
            yield from ((BACKWARD, d.name, cell, dtype) for cell in CELLS if cell in d.cells)
        for forward in DEVIATIONS:
            if forward.wrong.acts_on == ("equations",):
                yield from ((FORWARD, forward.name, cell, dtype) for cell in forward.wrong.equations)


@cache
def goldens(cell: str, dtype: str) -> tuple[Golden, ...]:
    """Return the goldens of a cell whose gradients can be checked in a precision."""
    corpus = open_corpus()
    ids = [e.id for e in corpus.entries if e.cell == cell and e.gradients and dtype in e.gradients.precisions]
    return tuple(corpus.load(golden_id, dtype, gradients=True) for golden_id in ids)


def gradients(group: str, name: str, golden: Golden) -> Mapping[str, object]:
    """Return the gradients of the wrong implementation."""
    dtype = np.float64 if golden.dtype == "float64" else np.float32
    case = case_of(golden, dtype)
    cotangents = {of: array.astype(dtype) for of, array in golden.cotangents.items()}
    with np.errstate(all="ignore"):
        if group == BACKWARD:
            by_name = deviation(name).gradients(case, cotangents)
        else:
            by_name = _differentiated(name)().gradients(case, cotangents)
    return {of: PRECISIONS[golden.dtype].round(np.asarray(array)) for of, array in by_name.items()}


def _differentiated(name: str) -> type[Backward]:
    equations = deviation(name).wrong.equations

    class Differentiated(Backward):
        def cell(self, case: Case):  # type: ignore[no-untyped-def] # noqa: ANN202 - as in the base class
            right = super().cell(case)
            return with_equations(right, equations[right.name]) if right.name in equations else right

    return Differentiated


def result_of(wrong: Wrong) -> Result:
    """Check and diagnose one wrong backward pass."""
    group, name, cell, dtype = wrong
    diagnosis, seconds = diagnosed(
        goldens(cell, dtype), lambda golden: actual_gradients(golden, gradients(group, name, golden))
    )
    if diagnosis is None:
        return Result(*wrong, PASSES, "", 0.0)
    named = [candidate.cause for candidate in diagnosis.candidates]
    equivalent = [cause for candidate in diagnosis.candidates for cause in candidate.equivalent]
    causes = ", ".join(" & ".join(cause) for cause in (*named, *equivalent))
    result = _outcome(wrong, named, equivalent, certain=diagnosis.certainty == EXPLAINED)
    return Result(*wrong, result, causes, seconds)


def _outcome(wrong: Wrong, named: Sequence[Cause], equivalent: Sequence[Cause], *, certain: bool) -> str:
    name = wrong[1]
    if not named:
        return NONE
    if certain and named == [(name,)]:
        return AMONG if equivalent else IDENTIFIED
    if certain and ((name,) in equivalent or all(_is_the_same(wrong, cause) for cause in named)):
        return AMONG
    return PARTLY if not certain or (len(named) > 1 and (name,) in named) else WRONG


def _is_the_same(wrong: Wrong, cause: Cause) -> bool:
    """Return whether a cause is one backward deviation with the same gradients, within a hundredth of the tolerance."""
    group, name, cell, dtype = wrong
    if len(cause) > 1 or cause[0] in {d.name for d in DEVIATIONS} or group != BACKWARD:
        return False
    for golden in goldens(cell, dtype):
        assert golden.gradients is not None
        right, other = gradients(group, name, golden), gradients(group, cause[0], golden)
        for of, array in right.items():
            allowed = golden.gradients.tolerance.allowed(of, golden.gradients.expected[of], PRECISIONS[dtype])
            if (np.abs(np.asarray(array) - np.asarray(other[of])) > allowed / 100).any():
                return False
    return True


def report(results: Sequence[Result]) -> str:
    """Return the section of the page."""
    rows = []
    for group in (BACKWARD, FORWARD):
        for dtype in DTYPES:
            members = [one for one in results if (one.group, one.dtype) == (group, dtype)]
            count = Counter(one.outcome for one in members)
            slowest = max((one.seconds for one in members), default=0.0)
            rows.append([f"{group}, {dtype}", len(members), *(count[o] for o in OUTCOMES), f"{slowest:.1f}"])
    parts = [INTRODUCTION, page.table(("", "run", *OUTCOMES, "slowest, s"), rows)]
    brief = []
    for outcome in (WRONG, NONE, PARTLY, AMONG, PASSES):
        where: dict[str, list[str]] = {}
        for one in results:
            if one.outcome == outcome:
                where.setdefault(one.name, []).append(f"{one.cell} in {one.dtype}")
        listed = ", ".join(f"`{name}`" for name in sorted(where))
        brief += [f"- {outcome}: {listed}."] if listed else []
    return "\n\n".join([*parts, "\n".join(brief)])


def measured(every: int = 1) -> Measured:
    """Return the section, and the passes with a wrong cause; for a backward deviation, also those with no cause."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        results = list(pool.map(result_of, list(wrongs())[::every], chunksize=4))
    wrong = [one for one in results if one.outcome == WRONG or (one.outcome == NONE and one.group == BACKWARD)]
    return Measured(report(results), [f"{one.outcome}: {one.name} of {one.cell} in {one.dtype}" for one in wrong])
