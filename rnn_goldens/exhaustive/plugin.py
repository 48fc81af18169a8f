"""The pytest plugin of an exhaustive run: its goldens are parts, and it ends with a table of the largest errors."""

import json
from collections import Counter
from pathlib import Path

import pytest

from rnn_goldens.corpus import Corpora
from rnn_goldens.exhaustive.corpus import every_argument
from rnn_goldens.exhaustive.findings import Finding, Group, table
from rnn_goldens.exhaustive.progress import Judged, Progress
from rnn_goldens.plugin.names import result_of
from rnn_goldens.plugin.settings import CORPUS
from rnn_goldens.plugin.telling import tell

PROPERTY = "rnn_goldens_exhaustive"
"""The user property of a report that holds what was found at the arguments of a part, as JSON."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where it stands how far a run came."""
    parser.addoption("--rnn-goldens-progress", type=Path, required=True, help="internal")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The goldens of this run are not in files."""
    config.stash[CORPUS] = Corpora((every_argument(),))
    progress = Progress(config.getoption("rnn_goldens_progress"))
    config.pluginmanager.register(Exhaustive(progress, controls=not hasattr(config, "workerinput")))


class Exhaustive:
    """Leaves out what an interrupted run has visited, notes what this one visits, and says what both found."""

    def __init__(self, progress: Progress, *, controls: bool) -> None:
        """Know what was visited before; ``controls`` if this is no worker of xdist's."""
        self._progress, self._controls = progress, controls
        self._before = {part: judged for part, judged in progress.before.read().items() if judged.outcome != "failed"}
        self._judged = dict(self._before)
        self._not_compared: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what passed before, or was refused; what failed says once more how."""
        before = [item for item in items if _part(item) in self._before]
        if before:
            config.hook.pytest_deselected(items=before)
            items[:] = [item for item in items if _part(item) not in self._before]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what was found at the arguments of a part, when its test has ended."""
        entry = result_of(report)
        if not self._controls or not entry:
            return
        if report.when != "teardown":
            return
        part, outcome, finding = entry["golden"], entry["outcome"], _finding(report)
        if finding is None and outcome == "failed":
            reason = entry["reason"].removeprefix(f"{part} in {entry['dtype']}: ")
            self._not_compared[f"{' '.join(_group(part))}: {reason}"] += 1
        if outcome == "refused" or finding is not None or outcome == "failed":
            self._judged[part] = Judged(outcome, finding)
            self._progress.add(part, self._judged[part])

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """The largest errors."""
        found: dict[Group, Finding] = {}
        refused: Counter[Group] = Counter()
        for part in filter(self._judged.__contains__, every_argument().ids):
            group, judged = _group(part), self._judged[part]
            if judged.finding is not None:
                found[group] = found[group] & judged.finding if group in found else judged.finding
            elif judged.outcome == "refused":
                refused[group] += len(every_argument().parts[part].arguments)
        if found or refused:
            terminalreporter.section("largest errors, in units in the last place (ulp)")
            groups = dict.fromkeys(part.group for part in every_argument().parts.values())
            for line in table(groups, found, refused):
                tell(terminalreporter, line)
        for reason, parts in self._not_compared.items():
            tell(terminalreporter, f"{parts:>5} parts not compared: {reason}", red=True)


def _part(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)  # pytest keeps its type private
    return "" if callspec is None else str(callspec.params["rnn_golden"].id)


def _group(part: str) -> Group:
    return every_argument().parts[part].group


def _finding(report: pytest.TestReport) -> Finding | None:
    found = (value for name, value in report.user_properties if name == PROPERTY)
    document = next(found, None)
    return None if document is None else Finding(**json.loads(str(document)))
