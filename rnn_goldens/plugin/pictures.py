"""What a page shows of wrong outputs beyond the results file: reports carry it, and xdist brings them."""

from dataclasses import asdict

import pytest

from rnn_goldens.judging.gradient_rows import gradient_rows
from rnn_goldens.pages.rendering import is_page
from rnn_goldens.plugin.names import DRAWN, setting
from rnn_goldens.plugin.record import Record
from rnn_goldens.result import Drawn

MOST_NUMBERS = 2_000_000
"""In the pictures of a run; of what fails after that the message is told and no picture is kept."""


def wanted(config: pytest.Config) -> bool:
    """Whether anything is to be drawn of a failure: only then is more kept of it than the results file has."""
    return is_page(setting(config, "report")) or bool(config.getoption("rnn_goldens_drawn", False))


def carry(record: Record, report: pytest.TestReport) -> None:
    """Put on a test's last report what its golden's first mismatch said and looks like; of gradients, as rows."""
    if record.drawn and record.wrong:
        picture = None if record.picture is None else asdict(record.picture)
        rows = [
            asdict(row) for _, verdict in record.of_gradients if not verdict.passed for row in gradient_rows(verdict)
        ]
        drawn: Drawn = {"message": record.wrong[0].message, "picture": picture, "gradients": rows}
        setattr(report, DRAWN, drawn)


class Drawings:
    """Those of a run, by test.

    Attributes:
        by_test: a message, a picture or None, and the rows of gradients, by pytest's node id.
    """

    def __init__(self) -> None:
        self.by_test: dict[str, Drawn] = {}
        self._numbers = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a report carries; of a second attempt, in place of the first."""
        drawn: Drawn | None = getattr(report, DRAWN, None)
        if drawn is None:
            return
        if (picture := drawn["picture"]) is not None:
            self._numbers += 2 * len(picture["got"]) + sum(map(len, picture["errors"]))
            drawn = {**drawn, "picture": picture if self._numbers <= MOST_NUMBERS else None}
        self.by_test[report.nodeid] = drawn
