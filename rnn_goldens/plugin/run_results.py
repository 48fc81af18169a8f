"""What was asked and what came back: the one account of a run, for its exit code, its summary and its results file."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from rnn_goldens.plugin.check_log import Finding, first_line
from rnn_goldens.plugin.marker import wanted_of
from rnn_goldens.plugin.options import ASKED, CALLED, PASSES_AGAIN, result_of
from rnn_goldens.result import FAILED, KNOWN, NOT_JUDGED, PASSED, REFUSED, SKIPPED, Result

NOT_CHECKED = (REFUSED, SKIPPED, NOT_JUDGED)
"""Outcomes that show nothing of an implementation."""


class Tally:
    """Entries of the results file, collected from reports, which xdist brings from its workers.

    A golden is passed, refused or failed when the last report of its test says so, and not before.

    Attributes:
        late: what was found after a test had ended, of goldens that no entry is of.
        called: by test, in which ways an implementation was called, and which it refused.
    """

    def __init__(self) -> None:
        self._asked: dict[str, Result] = {}
        self._judged: dict[tuple[str, str], Result] = {}
        self._failed: dict[tuple[str, str], str] = {}
        self._times: dict[str, int] = {}
        self._ended: Counter[str] = Counter()
        self.late: list[Finding] = []
        self.called: dict[str, dict[str, Any]] = {}

    def ask_items(self, items: Iterable[pytest.Item]) -> None:
        """The tests of goldens that this process is to run."""
        for item in items:
            if (wanted := wanted_of(item)) is not None:
                times = self._times.get(item.nodeid, 0) + 1
                self.ask(item.nodeid, wanted.id, wanted.dtype, times, wanted.corpus)

    def ask(self, test: str, golden: str, dtype: str, times: int = 1, corpus: str = "") -> None:
        """One of them, and how many times it is to run: some plugins and options collect a test twice."""
        self._times[test] = max(times, self._times.get(test, 0))
        entry: Result = {"golden": golden, "dtype": dtype, "test": test, "outcome": NOT_JUDGED}
        if corpus:
            entry["corpus"] = corpus
        self._asked.setdefault(test, entry)

    @property
    def asked(self) -> list[list[str | int]]:
        """The arguments of ``ask`` of all of them, in a form that xdist carries."""
        return [
            [test, entry["golden"], entry["dtype"], self._times[test], entry.get("corpus", "")]
            for test, entry in self._asked.items()
        ]

    @property
    def corpora(self) -> list[str]:
        """The corpora of all tests, as ``Wanted`` has them."""
        return list(dict.fromkeys(entry.get("corpus", "") for entry in self._asked.values()))

    def note(self, report: pytest.TestReport) -> None:
        """A report, of a test of a golden or of any other."""
        for asked in getattr(report, ASKED, ()):
            self.ask(*asked)
        entry = result_of(report)
        if entry is not None:
            self.ask(report.nodeid, entry["golden"], entry["dtype"], corpus=entry.get("corpus", ""))
        if ways := getattr(report, CALLED, None):
            self.called[report.nodeid] = ways
        if report.nodeid in self._asked:
            self._note(report, entry)

    def revise(self, found: Finding) -> list[Result]:
        """What was found of a golden after its test had ended: it has not passed; returns the entries this changes."""
        place = found["golden"], found["dtype"]
        of_golden = [entry for entry in self._judged.values() if (entry["golden"], entry["dtype"]) == place]
        changed = [entry for entry in of_golden if entry["outcome"] != FAILED]
        for entry in changed:
            entry |= {"outcome": FAILED, "judged_by": found["judged_by"], "reason": found["reason"]}
        if not of_golden:
            self.late.append(found)
        return changed

    @property
    def entries(self) -> list[Result]:
        """One a test, in the order in which they were asked; one a worker, where several ran the same."""
        found: dict[str, list[Result]] = {test: [] for test in self._asked}
        for (test, _), entry in self._judged.items():
            found[test].append(entry)
        for test, times in self._times.items():
            if self._ended[test] < times:  # of those runs that ended, only what was wrong is to be told
                found[test] = [entry for entry in found[test] if entry["outcome"] == FAILED]
        return [entry for test, entries in found.items() for entry in entries or [self._asked[test]]]

    @property
    def unfinished(self) -> int:
        """How many tests have not come to their end as often as they were asked to."""
        return sum(self._ended[test] < times for test, times in self._times.items())

    def with_outcome(self, *outcomes: str) -> list[Result]:
        """The entries of these outcomes."""
        return [entry for entry in self.entries if entry["outcome"] in outcomes]

    @property
    def calls_never_made(self) -> list[str]:
        """Ways of calling that were asked for, and that no golden of the run could be asked."""
        made: dict[str, bool] = {}
        for entry in self.entries:
            for name, done in entry.get("calls", {}).items():
                if done or entry["outcome"] == PASSED:  # a single call that fails keeps the others from being made
                    made[name] = made.get(name, False) or done
        return [name for name, done in made.items() if not done]

    @property
    def nothing_checked(self) -> bool:
        """Whether goldens were refused or left out, and none was checked: such a run has shown nothing to be right."""
        on_list = self.on_skip_list
        others = [e for e in self.entries if e not in on_list]
        none = all(e["outcome"] in NOT_CHECKED and "largest_error" not in e for e in others)
        return none and bool(on_list or self.with_outcome(REFUSED))

    @property
    def on_skip_list(self) -> list[Result]:
        """The entries of goldens that were not asked, as the skip list says."""
        return [entry for entry in self.with_outcome(KNOWN) if entry.get("judged_by") == "skip"]

    def _note(self, report: pytest.TestReport, entry: Result | None) -> None:
        key = report.nodeid, str(getattr(getattr(report, "node", None), "gateway", ""))
        if report.when == "setup":
            self._failed.pop(key, None)  # of an attempt before
        if report.failed:
            self._failed.setdefault(key, first_line(report.longrepr))
        before = self._judged.get(key)
        if report.when not in ("setup", "call", "teardown"):  # xdist's report of a worker that died
            self._ended[report.nodeid] += 1
            self._judged[key] = {
                **self._asked[report.nodeid],
                "outcome": FAILED,
                "judged_by": "crash",
                "reason": f"the process that ran it died: {self._failed.get(key, '')}",
            }
        elif report.when == "teardown" and entry is not None and entry["outcome"] != NOT_JUDGED:
            self._ended[report.nodeid] += 1
            if key in self._failed and entry["outcome"] != FAILED:  # says another plugin, after ours
                entry |= {"outcome": FAILED, "judged_by": "test", "reason": self._failed[key]}
            once_more = self._times[report.nodeid] > 1  # and no second attempt, whose outcome is the one that counts
            if not (once_more and before is not None and before["outcome"] == FAILED):
                self._judged[key] = entry


def passes_again(entry: Result) -> bool:
    """Whether it is a known failure that passes."""
    return entry["outcome"] == FAILED and entry.get("reason", "").startswith(PASSES_AGAIN)


TALLY = pytest.StashKey[Tally]()
"""The account of a run in which goldens are asked."""
