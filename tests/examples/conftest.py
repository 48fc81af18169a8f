"""Examples as somebody has them who copied their folder; what this machine lacks is a reason to skip a test.

``make examples`` installs what they need and sets NOTHING_SKIPPED, under which a lack is a failure.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from examples.building import EXAMPLES, STRICT, Build, Need


@pytest.fixture(scope="session")
def need() -> Need:
    """Skip the test unless there are the commands, and the C library that pkg-config knows."""

    def check(*commands: str, library: str | None = None) -> None:
        for command in commands:
            if shutil.which(command) is None:
                lacking(f"{command} is not installed")
        if library is not None and subprocess.run(["pkg-config", "--exists", library], check=False).returncode != 0:
            lacking(f"the C library {library} is not installed")

    return check


def lacking(what: str) -> None:
    if os.environ.get("NOTHING_SKIPPED"):
        pytest.fail(f"{what}, and nothing may be skipped here")
    pytest.skip(what)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Copy an example's folder and make one of its targets; a warning of the compiler is an error."""

    def make(example: str, target: str) -> Path:
        ignored = shutil.ignore_patterns("node_modules", target)
        folder = shutil.copytree(EXAMPLES / example, tmp_path_factory.mktemp(example) / example, ignore=ignored)
        subprocess.run(["make", "--no-print-directory", STRICT, target], cwd=folder, check=True)
        return Path(folder) / target

    return make
