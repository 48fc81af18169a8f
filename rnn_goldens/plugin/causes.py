"""Diagnoses the failures of a run at its end, and stores the causes in the run results."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from rnn_goldens.corpus import Corpora
from rnn_goldens.diagnosis import EXPLAINED, TOGETHER, Cause, Evidence
from rnn_goldens.diagnosis.candidates import is_of_outputs
from rnn_goldens.diagnosis.run_diagnosis import Load, diagnose_run, reexamine
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.larger_golden import having
from rnn_goldens.golden_result import FAILED, PASSED, WRONG, Result, is_compared
from rnn_goldens.plugin.run_results import RunResults, golden_of, passes_again, test_of
from rnn_goldens.plugin.settings import corpora_of_all


def explain_all(config: pytest.Config, run: RunResults) -> None:
    """Find the causes of all failures of the run, and store them in its entries."""
    opened = corpora_of_all(config, run.corpora)
    entries = [entry for entry in run.entries if opened.holds(entry["golden"])]
    compared = [e for e in entries if e["outcome"] == PASSED or (e["outcome"] in WRONG and is_compared(e))]
    crashed = [e for e in entries if e["outcome"] == FAILED and not is_compared(e) and not passes_again(e)]
    # Goldens whose outputs were all compared and correct in some test: causes that make outputs wrong are ruled out.
    outputs = (e for e in compared if e["outcome"] == PASSED and _of(e) == OUTPUTS and "outputs" not in e)
    right = set(map(golden_of, outputs))
    for entry in compared:
        if _of(entry) == GRADIENTS and golden_of(entry) in right:
            _note(entry, [cause for cause in _causes(entry) if not is_of_outputs(cause)], entry.get("facts", {}))
    several = len({test_of(entry) for entry in (*compared, *crashed)}) > 1
    failures = [
        replace(f, outputs_right=f.outputs_right or (f.golden, f.dtype) in right, test=f.test if several else "")
        for f in run.failures
    ]
    before = [_evidence(opened, entry, one_of_several=several) for entry in compared]
    load = _loading(opened, {entry["golden"] for entry in compared if _of(entry) == GRADIENTS}, compared)
    evidence, cut_short = reexamine(before, failures, load)
    for entry, one, after in zip(compared, before, evidence, strict=True):
        if after.explained_by != one.explained_by:
            _note(entry, after.explained_by, after.facts)
    if not any(entry["outcome"] == FAILED for entry in compared):
        return
    not_compared = Counter(_evidence(opened, entry, one_of_several=several).about for entry in crashed)
    run.diagnoses = diagnose_run(evidence, load, cut_short, crashed=not_compared)
    # Of equivalent causes of a failure, the first that the diagnosis of its cell lists, if all failures are explained.
    candidates = [c for diagnosis in run.diagnoses if diagnosis.certainty == EXPLAINED for c in diagnosis.candidates]
    single = {id(one): candidate.cause for candidate in candidates for one in candidate.explains}
    for entry, one in zip(compared, evidence, strict=True):
        if (cause := single.get(id(one))) is not None:
            _note(entry, (cause, *(other for other in one.explained_by if other != cause)))
            run.single_causes[entry["test"]] = TOGETHER.join(cause)


def _of(entry: Result) -> str:
    """Return OUTPUTS if only outputs were compared, or if the outputs were wrong; else GRADIENTS."""
    return GRADIENTS if "gradients" in entry and not entry["gradients"].get("outputs_wrong") else OUTPUTS


def _causes(entry: Result) -> tuple[Cause, ...]:
    return tuple(tuple(text.split(TOGETHER)) for text in entry.get("explained_by", ()))


def _note(entry: Result, causes: Iterable[Cause], facts: Mapping[str, bool | float] = MappingProxyType({})) -> None:
    """Replace the causes and facts that an entry contains."""
    entry.pop("facts", None)
    entry.pop("explained_by", None)
    if names := [TOGETHER.join(cause) for cause in causes]:
        entry["explained_by"] = names
    if facts:
        entry["facts"] = dict(facts)


def _evidence(opened: Corpora, entry: Result, *, one_of_several: bool) -> Evidence:
    known = opened.entry(entry["golden"])
    return Evidence(
        test=test_of(entry) if one_of_several else "",
        golden=known.id,
        dtype=entry["dtype"],
        cell=known.cell,
        features=known.features,
        passed=entry["outcome"] == PASSED,
        explained_by=_causes(entry),
        facts=entry.get("facts", {}),
        of=_of(entry),
        checked=tuple(entry.get("gradients", {}).get("right", ())),
        outputs=tuple(entry.get("outputs", ())),
    )


def _loading(opened: Corpora, with_gradients: Container[str], compared: Iterable[Result]) -> Load:
    checked: dict[tuple[str, str], Any] = {}
    for entry in compared:
        same = checked.setdefault(golden_of(entry), entry)
        if same is not None and same.get("embed") != entry.get("embed"):
            checked[golden_of(entry)] = None  # two tests check it in other sizes: it is not examined again

    def load(golden: str, dtype: str) -> Any:  # noqa: ANN401 - a golden, or None
        try:
            loaded = opened.load(golden, dtype, gradients=golden in with_gradients)
            entry: Any = checked.get((golden, dtype), {})
            if entry is None:
                return None
            loaded = loaded.in_profile(*entry.get("profile", ()))
            return loaded.embedded(**having(loaded, entry["embed"].items())) if "embed" in entry else loaded
        except RnnGoldensError:
            return None

    return load
