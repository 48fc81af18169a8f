"""The pytest plugin of an exhaustive run: its goldens are parts, and it ends with a table of the largest errors."""

import json
from collections import Counter

import pytest

from rnn_goldens.corpus import Corpora
from rnn_goldens.exhaustive.corpus import every_argument
from rnn_goldens.exhaustive.findings import Finding, Group, table
from rnn_goldens.plugin.names import result_of
from rnn_goldens.plugin.settings import CORPUS
from rnn_goldens.plugin.telling import tell

PROPERTY = "rnn_goldens_exhaustive"
"""The user property of a report that holds what was found at the arguments of a part, as JSON."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The goldens of this run are not in files."""
    config.stash[CORPUS] = Corpora((every_argument(),))
    config.pluginmanager.register(Exhaustive())


class Exhaustive:
    """Notes what a run finds, and says it."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._found: dict[str, Finding] = {}
        self._refused: set[str] = set()
        self._not_compared: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what was found at the arguments of a part, when its test has ended."""
        entry = result_of(report)
        if entry is None or report.when != "teardown":
            return
        part, outcome = entry["golden"], entry["outcome"]
        if (finding := _finding(report)) is not None:
            self._found[part] = finding
        elif outcome == "refused":
            self._refused.add(part)
        elif outcome == "failed":
            reason = entry["reason"].removeprefix(f"{part} in {entry['dtype']}: ")
            self._not_compared[f"{' '.join(_group(part))}: {reason}"] += 1

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """The largest errors."""
        found: dict[Group, Finding] = {}
        refused: Counter[Group] = Counter()
        for part, finding in self._found.items():
            group = _group(part)
            found[group] = found[group] & finding if group in found else finding
        for part in self._refused:
            refused[_group(part)] += len(every_argument().parts[part].arguments)
        if found or refused:
            terminalreporter.section("largest errors, in units in the last place (ulp)")
            groups = dict.fromkeys(part.group for part in every_argument().parts.values())
            for line in table(groups, found, refused):
                tell(terminalreporter, line)
        for reason, parts in self._not_compared.items():
            tell(terminalreporter, f"{parts:>5} parts not compared: {reason}", red=True)


def _group(part: str) -> Group:
    return every_argument().parts[part].group


def _finding(report: pytest.TestReport) -> Finding | None:
    found = (value for name, value in report.user_properties if name == PROPERTY)
    document = next(found, None)
    return None if document is None else Finding(**json.loads(str(document)))
