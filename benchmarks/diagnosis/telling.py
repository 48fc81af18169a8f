"""What a run of a wrong network says, and whether it is right."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.diagnosis.networks import DTYPE, GROUPS, SLIPS_OF, WrongNetwork, deviating, goldens
from benchmarks.mutation.asking import DidNot, asked
from benchmarks.mutation.drawn_questions import questions
from benchmarks.mutation.edits import edited
from benchmarks.mutation.running import FOLDER
from benchmarks.mutation.sources import source
from benchmarks.slips.asking import asked as by_hand
from benchmarks.slips.slip import slipped
from benchmarks.slips.tables import files_of, slip_of
from rnn_goldens import Golden
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import together
from rnn_goldens.diagnosis.asked import Asked, Cause
from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.in_common import in_common
from rnn_goldens.diagnosis.run import asked_again, diagnosed_run
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.judging.given import outputs_given
from rnn_goldens.judging.verdict import compare, verdict_on

KEPT = Path("build", "diagnosis.jsonl")

NAMED, AMONG, PARTLY, HINT, SILENT, WRONG = "named", "among others", "partly", "hint", "silent", "wrong name"
OUTCOMES = (NAMED, AMONG, PARTLY, HINT, SILENT, WRONG)

OUTPUTS_OF = {cell: ("out", "h_n", "c_n") if cell == "lstm" else ("out", "h_n") for cell in CELLS}

Run = Callable[[Golden], Sequence[Any]]


@dataclass(frozen=True)
class Told:
    """What a run of a wrong network says.

    Attributes:
        group: one of ``GROUPS``.
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


def all_told(todo: Sequence[WrongNetwork], processes: int, *, resume: bool) -> list[Told]:
    """What is said of each, kept in a file as it comes."""
    if not resume:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text("", "utf-8")
    told = kept(todo)
    left = [network for network, one in zip(todo, _of_kept(todo), strict=True) if one is None]
    with ProcessPoolExecutor(processes) as pool, KEPT.open("a", encoding="utf-8", buffering=1) as file:
        for network, one in zip(left, pool.map(tell, left, chunksize=4), strict=True):
            file.write(json.dumps([str(network), asdict(one)]) + "\n")
            told.append(one)
    return _in_order(told)


def kept(todo: Sequence[WrongNetwork]) -> list[Told]:
    """What is kept of some of them."""
    return _in_order(one for one in _of_kept(todo) if one is not None)


def _of_kept(todo: Sequence[WrongNetwork]) -> list[Told | None]:
    before = {key: Told(**told) for key, told in map(json.loads, KEPT.read_text("utf-8").splitlines())}
    return [before.get(str(network)) for network in todo]


def _in_order(told: Iterable[Told]) -> list[Told]:
    return sorted(told, key=lambda one: (GROUPS.index(one.group), one.cell, one.what))


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
    if group in SLIPS_OF:
        language = SLIPS_OF[group]
        files = slipped(files_of(language), *(slip_of(language, name) for name in which))
        with by_hand(language, files) as ask:
            return _told(group, f"{language}: {what}", cell, ask, partial(_is_right, which, ask, cell))
    run = partial(deviating, which)
    return _told(group, what, cell, run, partial(_is_right, which, run, cell))


def _told(group: str, what: str, cell: str, run: Run, right: Callable[[Diagnosis], str]) -> Told:
    try:
        evidence, failures, seconds = _asked_all(cell, run)
    except (DidNot, ValueError, LookupError):  # of two deviations, one has no room for what the other leaves
        return Told(group, what, cell, "", "", 0.0)
    if all(one.passed for one in evidence):
        return Told(group, what, cell, "", "", 0.0)
    begin = time.process_time()
    again = asked_again(evidence, failures, _load)
    (diagnosis,) = diagnosed_run(again.evidence, _load, again.cut_short)
    seconds += time.process_time() - begin
    said = ", ".join(" & ".join(suspect.cause) for suspect in diagnosis.suspects)
    outcome = right(diagnosis) if diagnosis.suspects else ""
    if not outcome:
        outcome = HINT if diagnosis.parts or any(in_common([diagnosis]).sentences()) else SILENT
    return Told(group, what, cell, outcome, said, seconds)


def _asked_all(cell: str, run: Run) -> tuple[list[Evidence], list[Any], float]:
    """The evidence of a run, its failures, and the seconds that explaining them took."""
    suspects, evidence, seconds = Suspects(), [], 0.0
    for golden in goldens().values():
        if golden.cell != cell:
            continue
        try:
            with np.errstate(all="ignore"):
                outputs = run(golden)
        except Unsupported:
            continue
        if len(outputs) != len(OUTPUTS_OF[golden.cell]):  # an edit that returns something else, which any test shows
            raise DidNot
        given = outputs_given(golden, *outputs)
        passed = verdict_on(given).passed
        causes: tuple[Cause, ...] = ()
        seen: Mapping[str, bool | float] = {}
        if not passed:
            begin = time.process_time()
            causes = tuple(suspects.explain(given))
            seen = {} if causes else facts(given)
            seconds += time.process_time() - begin
        evidence.append(Evidence(golden.id, DTYPE, cell, golden.features, passed, causes, seen))
    return evidence, suspects.failures, seconds


def _load(golden_id: str, dtype: str) -> Golden:  # noqa: ARG001 - all are in one precision
    return goldens()[golden_id]


def _is_right(names: Cause, run: Run, cell: str, diagnosis: Diagnosis) -> str:
    """What became of a wrong network that is known: how its names are told."""
    suspects = diagnosis.suspects
    told = [suspect.cause for suspect in suspects]
    alike = [cause for suspect in suspects for cause in suspect.alike]
    wanted = set(names)
    if diagnosis.certainty == EXPLAINED and set().union(*told) == wanted and not alike:
        return NAMED
    if diagnosis.certainty == EXPLAINED and any(set(cause) == wanted for cause in (*told, *alike)):
        return AMONG
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
        except Unsupported:
            continue
        except DidNot:
            return False
        with np.errstate(all="ignore"):
            wrong = together(cause)(case_of(golden, np.float64))
        shows = not compare(golden, *(np.asarray(part, np.float32) for part in wrong)).passed
        fails = not compare(golden, *outputs).passed
        names = ("out", "h_n", "c_n")
        try:
            got = {name: np.asarray(part, np.float64) for name, part in zip(names, outputs, strict=False)}
        except (TypeError, ValueError):  # an output that holds no numbers, which no deviation gives
            return False
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
