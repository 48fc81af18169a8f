"""The outcomes of all goldens of a run; exit code, summary and results file follow from them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from rnn_goldens.plugin.check_log import Finding, first_line
from rnn_goldens.plugin.marker import selected_of
from rnn_goldens.plugin.options import PASSES_AGAIN, message_of, result_of
from rnn_goldens.result import FAILED, KNOWN, PASSED, REFUSED, SKIPPED, UNCHECKED, Result, golden_and_precision

NOT_CHECKED = (REFUSED, SKIPPED, UNCHECKED)
"""Outcomes that show nothing about an implementation."""

_MAX_LISTED = 3

_BEFORE = ("golden", "dtype", "test", "corpus", "profile")
"""The fields of an entry that are known before its test runs."""


class RunResults:
    """Entries of the results file, collected from reports, including those that xdist sends from its workers.

    The outcome of a golden is final only with the last report of its test.

    Attributes:
        late: findings made after a test had ended, about goldens without an entry.
        called: by test, the call patterns that were run and those that were refused.
        sizes: by test, the sizes of its golden.
    """

    def __init__(self) -> None:
        self._selected: dict[str, Result] = {}
        self._results: dict[tuple[str, str], Result] = {}
        self._failed: dict[tuple[str, str], str] = {}
        self._times: dict[str, int] = {}
        self._ended: Counter[str] = Counter()
        self.late: list[Finding] = []
        self.called: dict[str, dict[str, Any]] = {}
        self.sizes: dict[str, dict[str, int]] = {}

    def add_items(self, items: Iterable[pytest.Item]) -> None:
        """Add the tests of goldens that this process will run."""
        for item in items:
            if (selected := selected_of(item)) is not None:
                self.add(selected.entry(item.nodeid), self._times.get(item.nodeid, 0) + 1)

    def add(self, entry: Result, times: int = 1) -> None:
        """Add a test of a golden, and how often it will run: some plugins and options collect a test twice."""
        test = entry["test"]
        self._times[test] = max(times, self._times.get(test, 0))
        before: Any = {name: value for name, value in entry.items() if name in _BEFORE} | {"outcome": UNCHECKED}
        self._selected.setdefault(test, before)

    @property
    def selected(self) -> list[tuple[Result, int]]:
        """Return the arguments of ``add`` for all tests, in a form that xdist can send."""
        return [(entry, self._times[test]) for test, entry in self._selected.items()]

    @property
    def corpora(self) -> list[str]:
        """Return the corpora of all tests, named as in ``SelectedGolden.corpus``."""
        return list(dict.fromkeys(entry.get("corpus", "") for entry in self._selected.values()))

    def note(self, report: pytest.TestReport) -> None:
        """Record a report of any test, with or without a golden."""
        message, entry = message_of(report), result_of(report)
        for selected, times in message.get("selected", ()):
            self.add(selected, times)
        if entry is not None:
            self.add({**entry, "test": report.nodeid})
        if patterns := message.get("calls"):
            self.called[report.nodeid] = patterns
        if sizes := message.get("sizes"):
            self.sizes[report.nodeid] = sizes
        if report.nodeid in self._selected:
            self._note(report, entry)

    def revise(self, found: Finding) -> list[Result]:
        """Mark a golden as failed because of a finding made after its test; returns the entries that change.

        If the finding is that it may still be checked, a golden that passed counts as not compared.
        """
        golden = found["golden"], found["dtype"]
        of_golden = [entry for entry in self._results.values() if (entry["golden"], entry["dtype"]) == golden]
        if found["judged_by"] == UNCHECKED:
            passed = [entry for entry in of_golden if entry["outcome"] == PASSED]
            self._ended.subtract(entry["test"] for entry in passed)
            self.late += [found] if passed else []
            return []
        changed = [entry for entry in of_golden if entry["outcome"] != FAILED]
        for entry in changed:
            entry |= {"outcome": FAILED, "judged_by": found["judged_by"], "reason": found["reason"]}
        if not of_golden:
            self.late.append(found)
        return changed

    @property
    def entries(self) -> list[Result]:
        """Return one entry per test, in the order of selection; one per worker if several ran the same test."""
        found: dict[str, list[Result]] = {test: [] for test in self._selected}
        for (test, _), entry in self._results.items():
            found[test].append(entry)
        for test, times in self._times.items():
            if self._ended[test] < times:  # of an unfinished test, keep only failures
                found[test] = [entry for entry in found[test] if entry["outcome"] == FAILED]
        return [entry for test, entries in found.items() for entry in entries or [self._selected[test]]]

    @property
    def unfinished(self) -> int:
        """Return the number of tests that have ended fewer times than they were selected."""
        return sum(self._ended[test] < times for test, times in self._times.items())

    def with_outcome(self, *outcomes: str) -> list[Result]:
        """Return the entries with one of these outcomes."""
        return [entry for entry in self.entries if entry["outcome"] in outcomes]

    @property
    def patterns_not_run(self) -> list[str]:
        """Return the selected call patterns that were not run for any golden."""
        ran: dict[str, bool] = {}
        for entry in self.entries:
            for name, done in entry.get("calls", {}).items():
                if done or entry["outcome"] == PASSED:  # a failing single call prevents the other patterns
                    ran[name] = ran.get(name, False) or done
        return [name for name, done in ran.items() if not done]

    @property
    def nothing_checked(self) -> bool:
        """Return whether goldens were refused or on the skip list, and no golden was checked."""
        on_list = self.on_skip_list
        others = [e for e in self.entries if e not in on_list]
        none = all(e["outcome"] in NOT_CHECKED and "largest_error" not in e for e in others)
        return none and bool(on_list or self.with_outcome(REFUSED))

    @property
    def on_skip_list(self) -> list[Result]:
        """Return the entries of goldens that the skip list excluded."""
        return [entry for entry in self.with_outcome(KNOWN) if entry.get("judged_by") == "skip"]

    def _note(self, report: pytest.TestReport, entry: Result | None) -> None:
        key = report.nodeid, str(getattr(getattr(report, "node", None), "gateway", ""))
        if report.when == "setup":
            self._failed.pop(key, None)  # of an earlier attempt
        if report.failed:
            self._failed.setdefault(key, first_line(report.longrepr))
        before = self._results.get(key)
        if report.when not in ("setup", "call", "teardown"):  # xdist's report of a worker that died
            self._ended[report.nodeid] += 1
            self._results[key] = {
                **self._selected[report.nodeid],
                "outcome": FAILED,
                "judged_by": "crash",
                "reason": f"the process that ran it died: {self._failed.get(key, '')}",
            }
        elif report.when == "teardown" and entry is not None and entry["outcome"] != UNCHECKED:
            self._ended[report.nodeid] += 1
            if key in self._failed and entry["outcome"] != FAILED:  # another plugin failed it after this one
                entry |= {"outcome": FAILED, "judged_by": "test", "reason": self._failed[key]}
            runs_again = self._times[report.nodeid] > 1  # collected twice; a rerun instead replaces the outcome
            if not (runs_again and before is not None and before["outcome"] == FAILED):
                self._results[key] = entry


def passes_again(entry: Result) -> bool:
    """Return whether the entry is a known failure that passes."""
    return entry["outcome"] == FAILED and entry.get("reason", "").startswith(PASSES_AGAIN)


def first_names(entries: Sequence[Result], more: str = "and") -> list[str]:
    """Return the first goldens in words, and how many more there are."""
    names = list(map(golden_and_precision, entries[:_MAX_LISTED]))
    return [*names, *([f"{more} {len(entries) - len(names)} more"] if len(entries) > len(names) else [])]


RUN_RESULTS = pytest.StashKey[RunResults]()
"""The results of a run that has tests of goldens."""
