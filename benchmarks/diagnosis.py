"""What a failing run says of wrong networks: the right name, a true hint, nothing, or a wrong name.

    python -m benchmarks.diagnosis    # from the checkout, more than an hour; --write renews docs/results/diagnosis.md

Every deviation in every cell that it can befall, pairs of deviations that are drawn, and random edits of a clean NumPy
network by seed; each is asked every golden of its cell in float32, and diagnosed as a run is. Exits with 1 if a run is
explained by what is not so, or nothing is said of it.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.mutation.asking import DidNot, asked
from benchmarks.mutation.drawn_questions import questions
from benchmarks.mutation.edits import edited
from benchmarks.mutation.running import FOLDER
from benchmarks.mutation.sources import source
from rnn_goldens import Golden
from rnn_goldens.cells import Case, Network, case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, Deviation, together
from rnn_goldens.deviations.deviation import Wrong
from rnn_goldens.diagnosis.asked import Asked, Cause
from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence
from rnn_goldens.diagnosis.facts import facts, facts_of
from rnn_goldens.diagnosis.run import asked_again, diagnosed_run
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.judging.verdict import compare

PAGE = "diagnosis.md"
DTYPE = "float32"
PAIRS = 60
"""So many of each cell, drawn."""

EDITS = 1600
"""So many seeds of edits, each asked one cell; those that change nothing there, or do not run, are left out."""

GROUPS = ("deviations", "pairs", "edits")

KEPT = Path("build", "diagnosis.jsonl")

LIMIT = 1.0
"""Seconds for one golden, of an edited network."""

NAMED, AMONG, PARTLY, HINT, SILENT, WRONG = "named", "among others", "partly", "hint", "silent", "wrong name"
OUTCOMES = (NAMED, AMONG, PARTLY, HINT, SILENT, WRONG)

OUTPUTS_OF = {cell: ("out", "h_n", "c_n") if cell == "lstm" else ("out", "h_n") for cell in CELLS}

Run = Callable[[Golden], Sequence[Any]]


@dataclass(frozen=True)
class Told:
    """What a run of a wrong network says.

    Attributes:
        group: deviations, pairs or edits.
        what: the wrong network, in words.
        cell: the cell it was asked.
        outcome: one of ``OUTCOMES``; "" if every golden passed.
        said: the causes that were named.
        seconds: what the diagnosis took.
    """

    group: str
    what: str
    cell: str
    outcome: str
    said: str
    seconds: float


INTRODUCTION = """# What a failing run says

<!-- Made by `python -m benchmarks.diagnosis --write`; do not edit. -->

Wrong networks, each asked every golden of its cell in float32 and diagnosed as a run is.

- **deviations**: every deviation of the catalogue in every cell it can befall; what it does to the question or to the
  outputs is done around torch's own layer, what it does inside is the definition in float32.
- **pairs**: two at once, drawn from those where neither hides the other.
- **edits**: random edits of a NumPy network that is written without this project, one or two of them by seed
  ([how they are made](mutation.md)).

**named**: one cause explains the run, and it is the right one; of a pair both, and nothing else. **among others**: what
explains the run includes the right one, and it is said what is not told from it. **partly**: one of a pair, or a cause
that is said to be consistent with some failures. **hint**: no name, and facts that hold of every failure. **silent**:
nothing. **wrong name**: what is said to explain the run does not: it gives other outputs than the network does, on one
of 200 [drawn questions](mutation.md)."""


def main() -> None:
    """Run and print; exit with 1 if a wrong name is told, or a checked page says otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--resume", action="store_true", help=f"go on with a run that was stopped: {KEPT}")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N networks, of an order that is drawn")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    questions(FOLDER, arguments.processes, lambda items, _total, _doing: items)
    todo = list(networks())
    random.Random(0).shuffle(todo)  # so that a part of them is as good as all
    first = todo[: arguments.first]
    told = all_told(first, arguments.processes, resume=arguments.resume)
    text = report([one for one in told if one.outcome], asked=len(first), of=len(todo))
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if any(one.outcome in (WRONG, SILENT) for one in told):
        sys.exit(1)


WrongNetwork = tuple[str, str, Cause | int]
"""A group, a cell, and the names of deviations, or a seed."""


def all_told(todo: Sequence[WrongNetwork], processes: int, *, resume: bool) -> list[Told]:
    """What is said of each, kept in a file as it comes."""
    if not resume:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text("", "utf-8")
    before = {key: Told(**told) for key, told in map(json.loads, KEPT.read_text("utf-8").splitlines())}
    left = [network for network in todo if str(network) not in before]
    told = [before[str(network)] for network in todo if str(network) in before]
    with ProcessPoolExecutor(processes) as pool, KEPT.open("a", encoding="utf-8", buffering=1) as file:
        for network, one in zip(left, pool.map(tell, left, chunksize=4), strict=True):
            file.write(json.dumps([str(network), asdict(one)]) + "\n")
            told.append(one)
    return sorted(told, key=lambda one: (GROUPS.index(one.group), one.cell, one.what))


def networks() -> Iterator[WrongNetwork]:
    """All of them."""
    yield from (("deviations", cell, (d.name,)) for d in DEVIATIONS for cell in d.cells)
    for cell in CELLS:
        draw, befalling = random.Random(cell), [d for d in DEVIATIONS if cell in d.cells]
        yield from (("pairs", cell, cause) for cause in _pairs(cell, draw, befalling))
    yield from (("edits", CELLS[seed % len(CELLS)], seed) for seed in range(EDITS))


def _pairs(cell: str, draw: random.Random, befalling: Sequence[Deviation]) -> list[Cause]:
    found: list[Cause] = []
    while len(found) < PAIRS:
        one, other = draw.sample(befalling, 2)
        if _both_matter(cell, one, other):
            found.append((one.name, other.name))
    return found


def _both_matter(cell: str, one: Deviation, other: Deviation) -> bool:
    """Whether two can be at once, and both together are, in some golden, neither as one alone is nor as the other."""
    hidden = {one.wrong, other.wrong}
    for golden in (golden for golden in _goldens().values() if golden.cell == cell):
        case = case_of(golden, np.float64)
        try:
            outputs = (one.wrong & other.wrong)(case)
        except (ValueError, LookupError):
            return False
        hidden = {alone for alone in hidden if not _tell_apart(golden, outputs, alone(case))}
        if not hidden:
            return True
    return False


def _tell_apart(golden: Golden, both: Sequence[Any], alone: Sequence[Any]) -> bool:
    for name, a, b in zip(("out", "h_n", "c_n"), both, alone, strict=False):
        if a.shape != b.shape:
            return True
        allowed = golden.tolerance.allowed(name, getattr(golden.stored, name), PRECISIONS[DTYPE]).max(initial=0.0)
        with np.errstate(all="ignore"):
            if np.abs(a - b).max(initial=0.0) > 4 * allowed:
                return True
    return False


def tell(network: WrongNetwork) -> Told:
    """What a run of one of them says."""
    group, cell, which = network
    if isinstance(which, int):
        numpy_source = source("NumPy")
        edits = numpy_source.edits(which)
        what = f"seed {which}"
        with asked("NumPy", edited(numpy_source.files, edits)) as ask:
            return _told(group, what, cell, ask, partial(_is_right_of_edit, ask, cell))
    what = " & ".join(which)
    return _told(group, what, cell, partial(_deviating, which), partial(_is_right, which, cell))


def _told(group: str, what: str, cell: str, run: Run, right: Callable[[Diagnosis], str]) -> Told:
    try:
        evidence, failures, seconds = _asked_all(cell, run)
    except (DidNot, ValueError, LookupError):  # of two deviations, one has no room for what the other leaves
        return Told(group, what, cell, "", "", 0.0)
    if all(one.passed for one in evidence):
        return Told(group, what, cell, "", "", 0.0)
    begin = time.process_time()
    (diagnosis,) = diagnosed_run(asked_again(evidence, failures, _load), _load)
    seconds += time.process_time() - begin
    said = ", ".join(" & ".join(suspect.cause) for suspect in diagnosis.suspects)
    outcome = right(diagnosis) if diagnosis.suspects else ""
    if not outcome:
        outcome = HINT if facts_of(diagnosis.failed, diagnosis.passed) else SILENT
    return Told(group, what, cell, outcome, said, seconds)


def _asked_all(cell: str, run: Run) -> tuple[list[Evidence], list[Any], float]:
    """The evidence of a run, its failures, and the seconds that explaining them took."""
    suspects, evidence, seconds = Suspects(), [], 0.0
    for golden in _goldens().values():
        if golden.cell != cell:
            continue
        with np.errstate(all="ignore"):
            outputs = run(golden)
        if len(outputs) != len(OUTPUTS_OF[golden.cell]):  # an edit that returns something else, which any test shows
            raise DidNot
        passed = compare(golden, *outputs).passed
        causes: tuple[Cause, ...] = ()
        seen: Mapping[str, bool | float] = {}
        if not passed:
            begin = time.process_time()
            causes = tuple(suspects.explain(golden, *outputs))
            seen = {} if causes else facts(golden, *outputs)
            seconds += time.process_time() - begin
        evidence.append(Evidence(golden.id, DTYPE, cell, golden.features, passed, causes, seen))
    return evidence, suspects.failures, seconds


def _load(golden_id: str, dtype: str) -> Golden:  # noqa: ARG001 - all are in one precision
    return _goldens()[golden_id]


@cache
def _goldens() -> dict[str, Golden]:
    corpus = open_corpus()
    return {e.id: corpus.load(e.id, DTYPE) for e in corpus.entries if DTYPE in e.precisions}


def _deviating(names: Cause, golden: Golden) -> tuple[Any, ...]:
    """A wrong network in float32: torch's layer, where what is wrong lies before or after it."""
    wrong = together(names)
    if wrong.steps or wrong.equations:
        case = case_of(golden, np.float32)
        return tuple(np.asarray(part, np.float32) for part in wrong(case))
    return tuple(np.asarray(part, np.float32) for part in _around_torch(wrong, golden))


def _around_torch(wrong: Wrong, golden: Golden) -> tuple[Any, ...]:
    from rnn_goldens.implementations.torch import layers

    def right(case: Case) -> tuple[Any, ...]:
        if case.lengths is not None and case.lengths.min() < 1:  # which torch refuses
            return Network().run(case)
        h0, c0 = (*case.state, None)[:2]
        stored = replace(golden.stored, weights=case.weights, x=case.x, h0=h0, c0=c0, lengths=case.lengths)
        out, last = layers.run(replace(golden, stored=stored))
        states = last if isinstance(last, tuple) else (last,)
        return tuple(np.asarray(part) for part in (out, *states))

    return wrong.around(right, case_of(golden, np.float64))


def _is_right(names: Cause, cell: str, diagnosis: Diagnosis) -> str:
    """What became of a wrong network that is known: how its names are told."""
    suspects = diagnosis.suspects
    told = [suspect.cause for suspect in suspects]
    alike = [cause for suspect in suspects for cause in suspect.alike]
    wanted = set(names)
    if diagnosis.certainty == EXPLAINED and set().union(*told) == wanted and not alike:
        return NAMED
    if diagnosis.certainty == EXPLAINED and any(set(cause) == wanted for cause in (*told, *alike)):
        return AMONG
    run = partial(_deviating, names)
    if diagnosis.certainty == EXPLAINED and all(_same(run, cause, cell) for cause in told):
        return AMONG
    if set().union(*told, *alike) & wanted or diagnosis.certainty != EXPLAINED:
        return PARTLY
    return PARTLY if len(suspects) > 1 and _each_explains(diagnosis) else WRONG


def _is_right_of_edit(ask: Run, cell: str, diagnosis: Diagnosis) -> str:
    """Of an edit nobody knows the name: a name is right if it gives the same outputs on drawn questions too."""
    if diagnosis.certainty != EXPLAINED:
        return PARTLY
    told = [suspect.cause for suspect in diagnosis.suspects]
    if len(told) > 1:
        return PARTLY if _each_explains(diagnosis) else WRONG
    return NAMED if _same(ask, told[0], cell) else WRONG


def _each_explains(diagnosis: Diagnosis) -> bool:
    return all(suspect.explains for suspect in diagnosis.suspects)


def _same(run: Run, cause: Cause, cell: str) -> bool:
    """Whether a network is wrong in just this way, as far as drawn questions tell."""
    for drawn in _drawn():
        if drawn.cell != cell:
            continue
        golden = drawn.in_precision(DTYPE)
        try:
            with np.errstate(all="ignore"):
                outputs = run(golden)
        except DidNot:
            return False
        with np.errstate(all="ignore"):
            wrong = together(cause)(case_of(golden, np.float64))
        shows = not compare(golden, *(np.asarray(part, np.float32) for part in wrong)).passed
        fails = not compare(golden, *outputs).passed
        names = ("out", "h_n", "c_n")
        got = {name: np.asarray(part, np.float64) for name, part in zip(names, outputs, strict=False)}
        if fails and not Asked(golden, got).explained_by(cause) and _tellable(golden, got):
            return False
        if shows and not fails:
            return False
    return True


def _tellable(golden: Golden, got: Mapping[str, Any]) -> bool:
    """Whether outputs are numbers, and further off than two networks that are wrong alike may differ."""
    finite = all(np.isfinite(values).all() for values in got.values())
    return finite and compare(golden, *got.values()).largest_error > 8  # noqa: PLR2004 - in tolerances


@cache
def _drawn() -> list[Golden]:
    return questions(FOLDER, 1, lambda items, _total, _doing: items)


def report(told: Sequence[Told], asked: int, of: int) -> str:
    """The page: a table by group, and what was told of those that are not named."""
    rows = [_row(group, [one for one in told if one.group == group]) for group in dict.fromkeys(t.group for t in told)]
    how_many = f"{asked:,} of {of:,}, in an order that is drawn; what fails no golden in float32 is left out below."
    parts = [
        INTRODUCTION,
        how_many,
        page.table(("", "networks", *OUTCOMES, "slowest, s"), [*rows, _row("together", told)]),
    ]
    for outcome in (WRONG, SILENT, HINT, PARTLY, AMONG):
        lines = _listed(one for one in told if one.outcome == outcome and one.group != "edits")
        if lines:
            parts.append(f"## {outcome.capitalize()}, of deviations and pairs\n\n" + "\n".join(lines))
    parts.append("## Edits\n\n" + "\n".join(_listed(one for one in told if one.group == "edits" and one.said)))
    return "\n\n".join([*parts, page.versions("numpy", "torch")]) + "\n"


def _row(name: str, told: Sequence[Told]) -> list[object]:
    count = Counter(one.outcome for one in told)
    slowest = max((one.seconds for one in told), default=0.0)
    return [name, len(told), *(count[outcome] for outcome in OUTCOMES), f"{slowest:.1f}"]


def _listed(told: Iterable[Told]) -> list[str]:
    return [f"- {one.cell}, {one.what}: {one.outcome}{f', {one.said}' if one.said else ''}"[:158] for one in told]


if __name__ == "__main__":
    main()
