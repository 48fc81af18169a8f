"""Describes how many deviations a run can detect, up to which sizes, and which outputs it did not compare."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

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
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.expected import is_missing_output_reason
from rnn_goldens.golden.rounding_profile import profile_named
from rnn_goldens.golden_result import REFUSED, Result, is_compared
from rnn_goldens.plugin.run_results import RunResults, test_of
from rnn_goldens.plugin.settings import at_least, corpora_of_all
from rnn_goldens.plurals import counted, was_or_were

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
