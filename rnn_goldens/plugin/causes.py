"""What is wrong, said once at the end of a run: its account as evidence for the causes of what failed."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from rnn_goldens.corpus import Corpora
from rnn_goldens.diagnosis.asked import TOGETHER, Cause
from rnn_goldens.diagnosis.asked_gradients import is_of_outputs
from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence
from rnn_goldens.diagnosis.run import Load, asked_again, diagnosed_run
from rnn_goldens.diagnosis.suspects import Failure
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.plugin.options import without_golden
from rnn_goldens.plugin.run_results import Tally
from rnn_goldens.plugin.settings import corpora_of_all
from rnn_goldens.result import FAILED, PASSED, WRONG, Result, is_compared

_FOUND = pytest.StashKey[list[Diagnosis]]()
_SETTLED = pytest.StashKey[dict[str, str]]()


def explain_all(config: pytest.Config, tally: Tally, failures: Iterable[Failure]) -> None:
    """Find what explains the failures, now that all are in, and note it in the account, failure by failure."""
    opened = corpora_of_all(config, tally.corpora)
    judged = [entry for entry in tally.entries if _is_wrong(opened, entry) or _is_right(opened, entry)]
    right = _outputs_right(judged)
    for entry in judged:
        if _of(entry) == GRADIENTS and _asked(entry) in right:
            _rule_out_outputs(entry)
    failures = [
        replace(failure, outputs_right=True) if (failure.golden, failure.dtype) in right else failure
        for failure in failures
    ]
    tests = {without_golden(entry["test"], entry["golden"], entry["dtype"]) for entry in judged}
    before = [_evidence(opened, entry, one_of_several=len(tests) > 1) for entry in judged]
    if len(tests) == 1:
        failures = [replace(failure, test="") for failure in failures]
    load = _loading(opened, {entry["golden"] for entry in judged if _of(entry) == GRADIENTS})
    again = asked_again(before, failures, load)
    for entry, one, after in zip(judged, before, again.evidence, strict=True):
        if after.explained_by != one.explained_by:
            _note(entry, after.explained_by, after.facts)
    if any(entry["outcome"] == FAILED for entry in judged):
        found = diagnosed_run(again.evidence, load, again.cut_short)
        config.stash[_FOUND] = found
        settled = _settled(found)
        for entry, one in zip(judged, again.evidence, strict=True):
            if (cause := settled.get(id(one))) is not None:
                _note(entry, (cause, *(other for other in one.explained_by if other != cause)))
                config.stash.setdefault(_SETTLED, {})[entry["test"]] = TOGETHER.join(cause)


_Asked = tuple[str, str]
"""A golden and a precision."""


def _asked(entry: Result) -> _Asked:
    return entry["golden"], entry["dtype"]


def _outputs_right(judged: Iterable[Result]) -> set[_Asked]:
    """Where some test of the run found all outputs right."""
    right = (entry for entry in judged if entry["outcome"] == PASSED and _of(entry) == OUTPUTS)
    return {_asked(entry) for entry in right if "outputs" not in entry}


def _rule_out_outputs(entry: Result) -> None:
    """Take away what would make the outputs wrong, which another test found right only later."""
    kept = [said for said in entry.pop("explained_by", ()) if not is_of_outputs(_cause(said))]
    if kept:
        entry["explained_by"] = kept


def _settled(found: Iterable[Diagnosis]) -> dict[int, Cause]:
    """By the identity of evidence the cause that explains its cell, though several were alike there."""
    explained = (diagnosis for diagnosis in found if diagnosis.certainty == EXPLAINED)
    suspects = [suspect for diagnosis in explained for suspect in diagnosis.suspects]
    return {id(one): suspect.cause for suspect in suspects for one in suspect.explains}


def diagnoses(config: pytest.Config) -> list[Diagnosis]:
    """What explains the failures of a run that has ended; nothing if no output was wrong unexpectedly."""
    return config.stash.get(_FOUND, [])


def settled_causes(config: pytest.Config) -> Mapping[str, str]:
    """By test, what explains the run that its failure is part of."""
    return config.stash.get(_SETTLED, {})


def _note(entry: Result, causes: Iterable[Cause], facts: Mapping[str, bool | float] = MappingProxyType({})) -> None:
    """Note which causes explain an entry or, where none does, what can be seen."""
    entry.pop("facts", None)
    entry.pop("explained_by", None)
    if names := [TOGETHER.join(cause) for cause in causes]:
        entry["explained_by"] = names
    if facts:
        entry["facts"] = dict(facts)


def sent(failures: Iterable[Failure]) -> list[list[Any]]:
    """Failures in a form that xdist carries."""
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


def received(carried: Iterable[list[Any]]) -> Iterator[Failure]:
    """The way back."""
    for test, golden, dtype, of, outputs_right, outputs in carried:
        got = {name: np.frombuffer(data).reshape(shape) for name, shape, data in outputs}
        yield Failure(golden, dtype, got, test, of, outputs_right)


def _is_wrong(opened: Corpora, entry: Result) -> bool:
    return entry["outcome"] in WRONG and is_compared(entry) and opened.holds(entry["golden"])


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
    """What was judged: gradients, unless the outputs that they are of are wrong."""
    return GRADIENTS if "gradients" in entry and not entry["gradients"].get("outputs_wrong") else OUTPUTS


def _cause(said: str) -> Cause:
    return tuple(said.split(TOGETHER))


def _loading(opened: Corpora, with_gradients: Container[str]) -> Load:
    def load(golden: str, dtype: str) -> Any:  # noqa: ANN401 - a golden, or None
        try:
            return opened.load(golden, dtype, gradients=golden in with_gradients)
        except RnnGoldensError:
            return None

    return load
