"""A run in which an implementation refused all it was asked has checked nothing."""

import pytest

from rnn_goldens.plugin.hooks import result_of


class Refusals:
    """Counts refused and judged goldens from reports, which xdist brings from its workers."""

    def __init__(self) -> None:
        self.refused = self.judged = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one report."""
        refused = result_of(report).get("outcome") == "refused"
        self.refused += refused
        self.judged += report.when == "call" and not refused

    @property
    def nothing_checked(self) -> bool:
        """Whether everything was refused."""
        return self.refused > 0 and self.judged == 0
