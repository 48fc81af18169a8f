"""The results file: what was found, golden by golden, for programs."""

import os
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens.encoding import json_file
from rnn_goldens.plugin.hooks import result_of
from rnn_goldens.schema import FORMATS, problems


class ResultsFile:
    """Collects results from reports, which xdist brings from its workers, and writes them when the run ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the call's result, or that of a set-up, tear-down or subtest that went wrong."""
        result = result_of(report)
        relevant = report.when == "call" or not report.passed
        if result and relevant and self.results.get(report.nodeid, result)["outcome"] in ("passed", result["outcome"]):
            self.results[report.nodeid] = result

    def pytest_sessionfinish(self) -> None:
        """Write the file, whole or not at all."""
        document = {"kind": "results", "format": FORMATS["results"], "results": list(self.results.values())}
        found = problems(document, "results")
        assert not found, found
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        partial.write_bytes(json_file.encode(document))
        partial.replace(self.path)
