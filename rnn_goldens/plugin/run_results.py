"""The outcomes of all goldens of a run; exit code, summary and results file follow from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from rnn_goldens.control_characters import visible
from rnn_goldens.diagnosis import Diagnosis
from rnn_goldens.diagnosis.search import CandidateSearch, Failure
from rnn_goldens.golden.rounding_profile import DEFAULT, Profile
from rnn_goldens.golden_result import FAILED, KNOWN, PASSED, REFUSED, SKIPPED, UNCHECKED, Result, golden_and_precision
from rnn_goldens.pages.rendering import is_page
from rnn_goldens.plugin.known_failures import ListEntry
from rnn_goldens.plugin.options import PASSES_AGAIN, RUN_RESULTS, message_of, result_of, setting, without_golden


@dataclass(frozen=True)
class SelectedGolden:
    """A golden in a precision, not loaded yet.

    Attributes:
        id: the golden's id.
        dtype: the precision.
        calls: call patterns to check in addition to a single call.
        gradients: whether to check gradients.
        corpus: the corpora that a marker names, by absolute paths and versions; "" for the corpora of the settings.
        outputs: the only outputs to compare; () for all.
        profile: which rounding errors are allowed.
        sizes: larger sizes, by name, in which the golden is embedded if it has them.
        known: the entry of the list of known failures that matches the golden.
        skip: the entry of the skip list that matches it.
    """

    id: str
    dtype: str
    calls: tuple[str, ...] = ()
    gradients: bool = False
    corpus: str = ""
    outputs: tuple[str, ...] = ()
    profile: Profile = DEFAULT
    sizes: tuple[tuple[str, int], ...] = ()
    known: ListEntry | None = None
    skip: ListEntry | None = None

    def entry(self, test: str) -> Result:
        """Return the entry of a test in the results file before the test has run."""
        entry: Result = {"golden": self.id, "dtype": self.dtype, "test": test, "outcome": UNCHECKED}
        if self.corpus:
            entry["corpus"] = self.corpus
        if self.profile.parts:
            entry["profile"] = list(self.profile.parts)
        if self.sizes:
            entry["embed"] = dict(self.sizes)
        return entry


def selected_of(item: pytest.Item) -> SelectedGolden | None:
    """Return the golden that a test was parametrized with; None if there is none."""
    callspec: Any = getattr(item, "callspec", None)  # of a parametrized function; its type is private to pytest
    selected = callspec.params.get("rnn_golden") if callspec is not None else None
    return selected if isinstance(selected, SelectedGolden) else None


NOT_CHECKED = (REFUSED, SKIPPED, UNCHECKED)
"""Outcomes that show nothing about an implementation."""

_MAX_LISTED = 3

_LONGEST_REASON = 2_000
"""The largest number of characters of a reason."""

_BEFORE = ("golden", "dtype", "test", "corpus", "profile", "embed")
"""The fields of an entry that are known before its test runs."""

Finding = dict[str, str]
"""``golden``, ``dtype``, ``reason`` and ``judged_by`` of a problem found after a test had ended, as xdist sends it."""


class RunResults:
    """Entries of the results file, collected from reports, including those that xdist sends, and what tests share.

    The outcome of a golden is final only with the last report of its test.

    Attributes:
        drawn: whether a page needs pictures of wrong outputs.
        is_sent: whether xdist's controller knows the selected goldens.
        selected: by test, its entry before it has run.
        called: by test, the call patterns that were run and those that were refused.
        sizes: by test, the sizes of its golden.
        unsent: findings made after a test had ended, which no report contains yet.
        late: such findings about goldens without an entry.
        outputs_right: goldens and precisions whose outputs were all correct in some test.
        searches: by test, the causes of its failures: two tests may check different networks.
        failures: wrong outputs and gradients, also from workers.
        diagnoses: the causes of all failures, once the run has ended.
        single_causes: by test, the cause of its failure, for cells whose failures are all explained.
        program: name and version of the program under test.
        list_lines: lines of the summary about known failures.
        shortened: failures that are not printed whole.
    """

    def __init__(self, *, drawn: bool = False) -> None:
        self.drawn, self.is_sent = drawn, False
        self.selected: dict[str, Result] = {}
        self._ended: dict[str, Result] = {}
        self._twice: set[str] = set()
        self._workers: dict[str, object] = {}
        self._errors: dict[str, str] = {}
        self.called: dict[str, dict[str, Any]] = {}
        self.sizes: dict[str, dict[str, int]] = {}
        self.unsent: list[Finding] = []
        self.late: list[Finding] = []
        self.outputs_right: set[tuple[str, str]] = set()
        self.searches: dict[str, CandidateSearch] = {}
        self.failures: list[Failure] = []
        self.diagnoses: list[Diagnosis] = []
        self.single_causes: dict[str, str] = {}
        self.program: dict[str, str] = {}
        self.list_lines: Sequence[str] = ()
        self.shortened: Sequence[pytest.TestReport] = ()

    def add_items(self, items: Iterable[pytest.Item]) -> None:
        """Add the tests of goldens that this process will run."""
        for item in items:
            if (selected := selected_of(item)) is not None:
                self._twice |= {item.nodeid} & self.selected.keys()  # --keep-duplicates
                self.add(selected.entry(item.nodeid))

    def add(self, entry: Result) -> None:
        """Add a test of a golden by its entry before or after it has run."""
        before: Any = {name: value for name, value in entry.items() if name in _BEFORE} | {"outcome": UNCHECKED}
        self.selected.setdefault(entry["test"], before)

    @property
    def corpora(self) -> list[str]:
        """Return the corpora of all tests, named as in ``SelectedGolden.corpus``."""
        return list(dict.fromkeys(entry.get("corpus", "") for entry in self.selected.values()))

    def note(self, report: pytest.TestReport) -> None:
        """Record a report of any test, with or without a golden."""
        message, entry = message_of(report), result_of(report)
        for selected in message.get("selected", ()):
            self.add(selected)
        if entry is not None:
            self.add({**entry, "test": report.nodeid})
        if patterns := message.get("calls"):
            self.called[report.nodeid] = patterns
        if sizes := message.get("sizes"):
            self.sizes[report.nodeid] = sizes
        if report.nodeid in self.selected:
            self._note(report, entry)

    def _note(self, report: pytest.TestReport, entry: Result | None) -> None:
        test = report.nodeid
        if report.when == "setup":
            self._errors.pop(test, None)  # of an earlier attempt
        if report.failed:
            self._errors.setdefault(test, first_line(report.longrepr))
        error = self._errors.get(test, "")
        if report.when not in ("setup", "call", "teardown"):  # xdist's report of a worker that died
            died = f"the process that ran it died: {error}"
            self._ended[test] = {**self.selected[test], "outcome": FAILED, "judged_by": "crash", "reason": died}
        elif report.when == "teardown" and entry is not None and entry["outcome"] != UNCHECKED:
            if error and entry["outcome"] != FAILED:  # another plugin failed it after this one
                entry |= {"outcome": FAILED, "judged_by": "test", "reason": error}
            before = self._ended.get(test)
            if not self._is_repeated(report) or before is None or before["outcome"] != FAILED:
                self._ended[test] = entry

    def _is_repeated(self, report: pytest.TestReport) -> bool:
        """Return whether a test was collected twice, or another worker ran it, too: then no run may fail."""
        worker = getattr(report, "node", None)
        return report.nodeid in self._twice or self._workers.setdefault(report.nodeid, worker) is not worker

    def revise(self, found: Finding) -> list[Result]:
        """Mark a golden as failed because of a finding made after its test; returns the entries that change.

        If the finding is that it may still be checked, a golden that passed counts as not compared.
        """
        of_golden = [e for e in self._ended.values() if golden_of(e) == (found["golden"], found["dtype"])]
        if found["judged_by"] == UNCHECKED:
            passed = [entry["test"] for entry in of_golden if entry["outcome"] == PASSED]
            for test in passed:
                del self._ended[test]
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
        """Return one entry per test, in the order of selection."""
        return [self._ended.get(test, before) for test, before in self.selected.items()]

    @property
    def unfinished(self) -> int:
        """Return the number of tests that were selected and have not ended."""
        return len(self.selected) - len(self._ended)

    def with_outcome(self, outcome: str) -> list[Result]:
        """Return the entries with an outcome."""
        return [entry for entry in self.entries if entry["outcome"] == outcome]

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


def run_of(config: pytest.Config) -> RunResults:
    """Return the results of the run in this process."""
    if RUN_RESULTS not in config.stash:
        drawn = is_page(setting(config, "report")) or bool(config.getoption("rnn_goldens_drawn", False))
        config.stash[RUN_RESULTS] = RunResults(drawn=drawn)
    run: RunResults = config.stash[RUN_RESULTS]
    return run


def golden_of(entry: Result) -> tuple[str, str]:
    """Return the golden's id and the precision of an entry."""
    return entry["golden"], entry["dtype"]


def test_of(entry: Result) -> str:
    """Return the test of an entry, without its golden."""
    return without_golden(entry["test"], entry["golden"], entry["dtype"])


def passes_again(entry: Result) -> bool:
    """Return whether the entry is a known failure that passes."""
    return entry["outcome"] == FAILED and entry.get("reason", "").startswith(PASSES_AGAIN)


def first_names(entries: Sequence[Result], more: str = "and") -> list[str]:
    """Return the first goldens in words, and how many more there are."""
    names = list(map(golden_and_precision, entries[:_MAX_LISTED]))
    return [*names, *([f"{more} {len(entries) - len(names)} more"] if len(entries) > len(names) else [])]


def first_line(error: object) -> str:
    """Return the first line of an error or a text, with control characters escaped."""
    try:
        text = str(error)
    except Exception as raised:  # the error's own __str__ may raise anything
        text = f"{type(error).__name__}, and its text raised {type(raised).__name__}"
    line = text.strip().partition("\n")[0] or f"{type(error).__name__}, no reason given"
    return visible(line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]} …")
