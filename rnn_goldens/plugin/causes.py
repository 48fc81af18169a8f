"""Diagnoses the failures of a run at its end, and stores the causes in the run results."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from rnn_goldens.corpus import Corpora
from rnn_goldens.diagnosis import EXPLAINED, TOGETHER, Cause, Diagnosis, Evidence
from rnn_goldens.diagnosis.candidates import is_of_outputs
from rnn_goldens.diagnosis.run_diagnosis import Load, diagnose_run, reexamine
from rnn_goldens.diagnosis.search import Failure
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.plugin.options import without_golden
from rnn_goldens.plugin.run_results import RunResults, passes_again
from rnn_goldens.plugin.settings import corpora_of_all
from rnn_goldens.result import FAILED, PASSED, WRONG, Result, is_compared

_FOUND = pytest.StashKey[list[Diagnosis]]()
_SINGLE_CAUSES = pytest.StashKey[dict[str, str]]()


def explain_all(config: pytest.Config, run_results: RunResults, failures: Iterable[Failure]) -> None:
    """Find the causes of all failures of the run, and store them in the entries of the run results."""
    opened = corpora_of_all(config, run_results.corpora)
    compared = [entry for entry in run_results.entries if _is_wrong(opened, entry) or _is_right(opened, entry)]
    right = _outputs_right(compared)
    for entry in compared:
        if _of(entry) == GRADIENTS and _golden_in_precision(entry) in right:
            _rule_out_outputs(entry)
    failures = [
        replace(failure, outputs_right=True) if (failure.golden, failure.dtype) in right else failure
        for failure in failures
    ]
    crashed = [entry for entry in run_results.with_outcome(FAILED) if _has_crashed(opened, entry)]
    tests = {without_golden(entry["test"], entry["golden"], entry["dtype"]) for entry in (*compared, *crashed)}
    before = [_evidence(opened, entry, one_of_several=len(tests) > 1) for entry in compared]
    if len(tests) == 1:
        failures = [replace(failure, test="") for failure in failures]
    profiles = {_golden_in_precision(entry): tuple(entry.get("profile", ())) for entry in compared}
    load = _loading(opened, {entry["golden"] for entry in compared if _of(entry) == GRADIENTS}, profiles)
    again = reexamine(before, failures, load)
    for entry, one, after in zip(compared, before, again.evidence, strict=True):
        if after.explained_by != one.explained_by:
            _note(entry, after.explained_by, after.facts)
    if any(entry["outcome"] == FAILED for entry in compared):
        not_compared = Counter(_evidence(opened, entry, one_of_several=len(tests) > 1).about for entry in crashed)
        found = diagnose_run(again.evidence, load, again.cut_short, crashed=not_compared)
        config.stash[_FOUND] = found
        single = _single_causes(found)
        for entry, one in zip(compared, again.evidence, strict=True):
            if (cause := single.get(id(one))) is not None:
                _note(entry, (cause, *(other for other in one.explained_by if other != cause)))
                config.stash.setdefault(_SINGLE_CAUSES, {})[entry["test"]] = TOGETHER.join(cause)


_GoldenInPrecision = tuple[str, str]
"""A golden's id and a precision."""


def _golden_in_precision(entry: Result) -> _GoldenInPrecision:
    return entry["golden"], entry["dtype"]


def _outputs_right(compared: Iterable[Result]) -> set[_GoldenInPrecision]:
    """Return the goldens, each in a precision, whose outputs were all compared and correct in some test."""
    right = (entry for entry in compared if entry["outcome"] == PASSED and _of(entry) == OUTPUTS)
    return {_golden_in_precision(entry) for entry in right if "outputs" not in entry}


def _rule_out_outputs(entry: Result) -> None:
    """Remove causes that make outputs wrong, because a test found the outputs correct."""
    kept = [text for text in entry.pop("explained_by", ()) if not is_of_outputs(_cause(text))]
    if kept:
        entry["explained_by"] = kept


def _single_causes(found: Iterable[Diagnosis]) -> dict[int, Cause]:
    """Return the cause of each failure by ``id()`` of its ``Evidence``, for cells whose failures are all explained.

    Of equivalent causes, returns the one that the diagnosis lists first.
    """
    explained = (diagnosis for diagnosis in found if diagnosis.certainty == EXPLAINED)
    candidates = [candidate for diagnosis in explained for candidate in diagnosis.candidates]
    return {id(one): candidate.cause for candidate in candidates for one in candidate.explains}


def diagnoses(config: pytest.Config) -> list[Diagnosis]:
    """Return the diagnoses of a run that has ended; none if no output or gradient was unexpectedly wrong."""
    return config.stash.get(_FOUND, [])


def single_causes(config: pytest.Config) -> Mapping[str, str]:
    """Return the cause of each failure by test, for cells whose failures are all explained."""
    return config.stash.get(_SINGLE_CAUSES, {})


def _note(entry: Result, causes: Iterable[Cause], facts: Mapping[str, bool | float] = MappingProxyType({})) -> None:
    """Replace the causes and facts that an entry contains."""
    entry.pop("facts", None)
    entry.pop("explained_by", None)
    if names := [TOGETHER.join(cause) for cause in causes]:
        entry["explained_by"] = names
    if facts:
        entry["facts"] = dict(facts)


def sent(failures: Iterable[Failure]) -> list[list[Any]]:
    """Return failures in a form that xdist can send."""
    return [
        [
            f.test,
            f.golden,
            f.dtype,
            f.of,
            f.outputs_right,
            [[name, list(values.shape), values.tobytes()] for name, values in f.got.items()],
        ]
        for f in failures
    ]


def received(sent: Iterable[list[Any]]) -> Iterator[Failure]:
    """Restore failures from the form that ``sent`` returns."""
    for test, golden, dtype, of, outputs_right, outputs in sent:
        got = {name: np.frombuffer(data).reshape(shape) for name, shape, data in outputs}
        yield Failure(golden, dtype, got, test, of, outputs_right)


def _is_wrong(opened: Corpora, entry: Result) -> bool:
    return entry["outcome"] in WRONG and is_compared(entry) and opened.holds(entry["golden"])


def _has_crashed(opened: Corpora, entry: Result) -> bool:
    return not is_compared(entry) and not passes_again(entry) and opened.holds(entry["golden"])


def _is_right(opened: Corpora, entry: Result) -> bool:
    return entry["outcome"] == PASSED and opened.holds(entry["golden"])


def _evidence(opened: Corpora, entry: Result, *, one_of_several: bool) -> Evidence:
    known = opened.entry(entry["golden"])
    return Evidence(
        test=without_golden(entry["test"], entry["golden"], entry["dtype"]) if one_of_several else "",
        golden=known.id,
        dtype=entry["dtype"],
        cell=known.cell,
        features=known.features,
        passed=entry["outcome"] == PASSED,
        explained_by=tuple(map(_cause, entry.get("explained_by", ()))),
        facts=entry.get("facts", {}),
        of=_of(entry),
        checked=tuple(entry.get("gradients", {}).get("right", ())),
        outputs=tuple(entry.get("outputs", ())),
    )


def _of(entry: Result) -> str:
    """Return OUTPUTS if only outputs were compared, or if the outputs were wrong; else GRADIENTS."""
    return GRADIENTS if "gradients" in entry and not entry["gradients"].get("outputs_wrong") else OUTPUTS


def _cause(text: str) -> Cause:
    return tuple(text.split(TOGETHER))


def _loading(
    opened: Corpora, with_gradients: Container[str], profiles: Mapping[_GoldenInPrecision, tuple[str, ...]]
) -> Load:
    def load(golden: str, dtype: str) -> Any:  # noqa: ANN401 - a golden, or None
        try:
            loaded = opened.load(golden, dtype, gradients=golden in with_gradients)
            return loaded.in_profile(*profiles.get((golden, dtype), ()))
        except RnnGoldensError:
            return None

    return load
