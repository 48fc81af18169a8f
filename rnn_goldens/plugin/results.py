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
        """Each report says what was found so far, so the last one counts."""
        if result := result_of(report):
            self.results[report.nodeid] = result

    def pytest_sessionfinish(self) -> None:
        """Write the file, whole or not at all."""
        document = {"kind": "results", "format": FORMATS["results"], "results": list(self.results.values())}
        found = problems(document, "results")
        assert not found, found
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            partial.write_bytes(json_file.encode(document))
            partial.replace(self.path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            pytest.exit(f"rnn-goldens: {not_written(self.path, error)}", pytest.ExitCode.INTERNAL_ERROR)


def not_written(path: Path, error: OSError) -> str:
    """What to say of a results file that the operating system does not take."""
    return f"the report {path} can not be written: {error.strerror}"
