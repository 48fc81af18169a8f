"""What a run shows: the causes of its failures, how many deviations it can detect, and what it did not compare."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Any

import pytest

from rnn_goldens.corpus import Corpora, Corpus
from rnn_goldens.corpus.detectable_deviations import (
    BEYOND,
    Compared,
    Discrimination,
    NotCompared,
    discrimination,
    summary,
)
from rnn_goldens.corpus.kill_matrix import KillMatrix, kill_matrix
from rnn_goldens.diagnosis import EXPLAINED, TOGETHER, Cause, Evidence
from rnn_goldens.diagnosis.candidates import is_of_outputs
from rnn_goldens.diagnosis.run_diagnosis import Load, diagnose_run, reexamine
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, is_missing_output_reason
from rnn_goldens.golden.larger_golden import having
from rnn_goldens.golden.rounding_profile import profile_named
from rnn_goldens.golden_result import FAILED, PASSED, REFUSED, WRONG, Result, is_compared
from rnn_goldens.plugin.run_results import RunResults, golden_of, passes_again, test_of
from rnn_goldens.plugin.settings import at_least, corpora_of_all
from rnn_goldens.plurals import counted, was_or_were


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


_MAX_LINES = 12
"""The largest number of lines about detectable deviations, one per cell and test."""


def summary_lines(config: pytest.Config, run_results: RunResults) -> Iterator[str]:
    """Yield a line per compared cell and test, and lines about outputs left out or computed in higher precision."""
    entries = run_results.entries
    compared = len({entry["golden"] for entry in entries if is_compared(entry)})
    if (least := at_least(config)) and compared >= least:
        yield f"{counted(compared, 'golden')} {was_or_were(compared)} compared, of at least {least}"
    looser = [
        entry for entry in entries if "profile" in entry and profile_named(entry["profile"]).affects(entry["dtype"])
    ]
    others = [entry for entry in entries if entry not in looser] if looser else entries
    opened = corpora_of_all(config, run_results.corpora)
    if detectable := list(islice(_detectable(opened, others, run_results.sizes), _MAX_LINES)):
        yield from [*detectable, BEYOND]
    for profile, count in Counter(",".join(entry["profile"]) for entry in looser if is_compared(entry)).items():
        yield f"profile {profile}: {counted(count, 'golden')} may detect fewer deviations, which were not counted"
    yield from _not_checked(entries)
    yield from _in_a_higher_precision(entries)


@dataclass(frozen=True)
class _Network:
    """The goldens of one cell, from one part of the corpora, in one test."""

    part: int
    cell: str
    test: str
    gradients: bool

    @property
    def of(self) -> str:
        """The name of the cell, followed by "gradients" if gradients were compared."""
        return f"{self.cell} gradients" if self.gradients else self.cell


def _detectable(opened: Corpora, entries: Iterable[Result], sizes: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Yield a line for each network whose corpus has a kill matrix; ``sizes`` are those of the golden of each test."""
    networks = _by_network(opened, entries)
    tests = Counter(of for of, _ in {(network.of, network.test) for network in networks})
    parts = Counter((network.of, network.test) for network in networks)
    matrices: dict[tuple[int, bool], KillMatrix | None] = {}
    for part, gradients in {(network.part, network.gradients) for network in networks}:
        with suppress(RnnGoldensError):  # an unreadable matrix, which other commands report
            matrices[part, gradients] = kill_matrix(opened.parts[part], gradients=gradients)
    for network, selected in networks.items():
        matrix, corpus = matrices.get((network.part, network.gradients)), opened.parts[network.part]
        if matrix is not None and (found := _detectable_by_precision(matrix, corpus, network, selected)):
            compared = [entry for entry in selected if is_compared(entry)]
            goldens = counted(len({entry["golden"] for entry in compared}), "golden")
            if parts[network.of, network.test] > 1:
                goldens += f" of corpus {corpus.where or corpus.folder.name}"
            about = f"{network.of} in {network.test}" if tests[network.of] > 1 else network.of
            largest = Counter[str]()
            for entry in compared:
                largest |= Counter(sizes[entry["test"]])  # the larger of each
            yield summary(about, goldens, found, largest)


def _by_network(opened: Corpora, entries: Iterable[Result]) -> dict[_Network, list[Result]]:
    """Group the entries by network; networks without a comparison are left out."""
    known = [(test_of(entry), entry) for entry in entries if opened.holds(entry["golden"])]
    of_gradients = {test for test, entry in known if "gradients" in entry}
    order = list(dict.fromkeys(test for test, _ in known))
    found: dict[_Network, list[Result]] = {}
    for test, entry in sorted(known, key=lambda one: order.index(one[0])):
        part = opened.parts.index(opened.of(entry["golden"]))
        network = _Network(part, opened.entry(entry["golden"]).cell, test, test in of_gradients)
        found.setdefault(network, []).append(entry)
    return {network: some for network, some in found.items() if any(map(is_compared, some))}


def _detectable_by_precision(
    matrix: KillMatrix, corpus: Corpus, network: _Network, selected: Iterable[Result]
) -> dict[str, Discrimination]:
    """Return what each precision can detect; precisions that detect nothing are left out."""
    compared, others = list[Compared](), list[NotCompared]()
    for entry in selected:
        reason = entry.get("reason", "") if entry["outcome"] == REFUSED else None
        if is_compared(entry):
            compared.append(Compared(entry["golden"], entry["dtype"], "outputs" in entry))
        else:
            lacks_outputs = reason is not None and is_missing_output_reason(reason)
            others.append(NotCompared(entry["golden"], entry["dtype"], reason, lacks_outputs))
    found = discrimination(matrix, network.cell, corpus.entries, compared, others, gradients=network.gradients)
    return {dtype: one for dtype, one in found.items() if one.total}


def _not_checked(entries: Iterable[Result]) -> Iterator[str]:
    """Yield which outputs were not compared, and for how many goldens."""
    found: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        if "not_checked" in entry and is_compared(entry):
            names = " and ".join(entry["not_checked"]), ",".join(entry["outputs"])
            found.setdefault(names, set()).add(entry["golden"])
    for (left_out, outputs), goldens in found.items():
        yield f"{left_out} not checked (outputs={outputs}): {counted(len(goldens), 'golden')}"


def _in_a_higher_precision(entries: Iterable[Result]) -> Iterator[str]:
    """Yield each half precision whose outputs were computed in a higher precision, and for how many goldens."""
    compared = [entry for entry in entries if is_compared(entry)]
    for dtype, count in Counter(entry["dtype"] for entry in compared if "higher_precision" in entry).items():
        of_all = counted(sum(entry["dtype"] == dtype for entry in compared), "golden")
        yield f"{dtype}: {count} of {of_all} {was_or_were(count)} computed in a higher precision than requested"
