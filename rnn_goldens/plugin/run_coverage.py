"""What a run can show, in words: of how many known deviations, and which outputs it did not compare."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import pytest

from rnn_goldens.corpus import Corpora, Corpus
from rnn_goldens.corpus.discrimination import (
    Compared,
    Discrimination,
    NotCompared,
    discrimination,
    summary,
)
from rnn_goldens.corpus.shown import KillMatrix, kill_matrix
from rnn_goldens.counted import counted, was_or_were
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.gradients import is_need_of_state
from rnn_goldens.plugin.options import without_golden
from rnn_goldens.plugin.run_results import Tally
from rnn_goldens.plugin.settings import corpora_of_all
from rnn_goldens.result import REFUSED, Result, is_compared

_MOST_LINES = 12
"""Of those that say how much a run can show, one for each cell and test; of more tests nothing is said."""


def summary_lines(config: pytest.Config, tally: Tally) -> Iterator[str]:
    """A line for each cell that was compared, of which there is one, and one for outputs that were not."""
    entries = tally.entries
    yield from islice(_can_show(corpora_of_all(config, tally.corpora), entries), _MOST_LINES)
    yield from _not_checked(entries)
    yield from _in_a_higher_precision(entries)


@dataclass(frozen=True)
class _Network:
    """What one test asked of a cell, in goldens of one corpus: that of this number."""

    part: int
    cell: str
    test: str
    gradients: bool

    @property
    def of(self) -> str:
        """Of the cell, or of its gradients."""
        return f"{self.cell} gradients" if self.gradients else self.cell


def _can_show(opened: Corpora, entries: Iterable[Result]) -> Iterator[str]:
    """Of the goldens of those corpora that have a kill matrix."""
    networks = _by_network(opened, entries)
    tests = Counter(of for of, _ in {(network.of, network.test) for network in networks})
    parts = Counter((network.of, network.test) for network in networks)
    matrices = {of: _matrix(opened.parts[of[0]], gradients=of[1]) for of in {(n.part, n.gradients) for n in networks}}
    for network, asked in networks.items():
        matrix, corpus = matrices[network.part, network.gradients], opened.parts[network.part]
        found = {} if matrix is None else _found(matrix, corpus, network, asked)
        if found:
            goldens = counted(len({entry["golden"] for entry in asked if is_compared(entry)}), "golden")
            if parts[network.of, network.test] > 1:
                goldens += f" of corpus {corpus.where or corpus.folder.name}"
            about = f"{network.of} in {network.test}" if tests[network.of] > 1 else network.of
            yield summary(about, goldens, found)


def _by_network(opened: Corpora, entries: Iterable[Result]) -> dict[_Network, list[Result]]:
    """Those of which something was compared, with all that was asked."""
    by_test: dict[str, list[Result]] = {}
    for entry in entries:
        if opened.holds(entry["golden"]):
            test = without_golden(entry["test"], entry["golden"], entry["dtype"])
            by_test.setdefault(test, []).append(entry)
    found: dict[_Network, list[Result]] = {}
    for test, some in by_test.items():
        gradients = any("gradients" in entry for entry in some)
        for entry in some:
            part = opened.parts.index(opened.of(entry["golden"]))
            network = _Network(part, opened.entry(entry["golden"]).cell, test, gradients)
            found.setdefault(network, []).append(entry)
    return {network: some for network, some in found.items() if any(map(is_compared, some))}


def _matrix(corpus: Corpus, *, gradients: bool) -> KillMatrix | None:
    """That of a corpus; None if it has none, or one that cannot be read, of which other commands tell."""
    try:
        return kill_matrix(corpus, gradients=gradients)
    except RnnGoldensError:
        return None


def _found(matrix: KillMatrix, corpus: Corpus, network: _Network, asked: Iterable[Result]) -> dict[str, Discrimination]:
    """By precision; without those in which no golden shows anything."""
    asked = list(asked)
    compared = [_compared(entry) for entry in asked if is_compared(entry)]
    others = [_not_compared(entry) for entry in asked if not is_compared(entry)]
    found = discrimination(matrix, network.cell, corpus.entries, compared, others, gradients=network.gradients)
    return {dtype: one for dtype, one in found.items() if one.total}


def _compared(entry: Result) -> Compared:
    return Compared(entry["golden"], entry["dtype"], "outputs" in entry)


def _not_compared(entry: Result) -> NotCompared:
    reason = entry.get("reason", "") if entry["outcome"] == REFUSED else None
    return NotCompared(entry["golden"], entry["dtype"], reason, reason is not None and is_need_of_state(reason))


def _not_checked(entries: Iterable[Result]) -> Iterator[str]:
    """Which outputs were not compared, and of how many goldens."""
    found: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        if "not_checked" in entry and is_compared(entry):
            names = " and ".join(entry["not_checked"]), ",".join(entry["outputs"])
            found.setdefault(names, set()).add(entry["golden"])
    for (left_out, outputs), goldens in found.items():
        yield f"{left_out} not checked (outputs={outputs}): {counted(len(goldens), 'golden')}"


def _in_a_higher_precision(entries: Iterable[Result]) -> Iterator[str]:
    """In which half precisions outputs came that were not computed in them, and of how many goldens."""
    compared = [entry for entry in entries if is_compared(entry)]
    for dtype, count in Counter(entry["dtype"] for entry in compared if "higher_precision" in entry).items():
        of_all = counted(sum(entry["dtype"] == dtype for entry in compared), "golden")
        yield f"{dtype}: {count} of {of_all} {was_or_were(count)} computed in a higher precision than asked"
