"""Fixtures that build a copy of an example; a test is skipped if a tool is missing.

``make examples`` installs the tools and sets NOTHING_SKIPPED, so that a missing tool is a failure.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from examples.compilation import EXAMPLES, STRICT, Build, Need, lacking


@pytest.fixture(scope="session")
def need() -> Need:
    """A function that skips the test unless the commands and the C library (found by pkg-config) are installed."""

    def check(*commands: str, library: str | None = None) -> None:
        for command in commands:
            if shutil.which(command) is None:
                lacking(f"{command} is not installed")
        if library is not None and subprocess.run(["pkg-config", "--exists", library], check=False).returncode != 0:
            lacking(f"the C library {library} is not installed")

    return check


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A function that copies an example and builds a target of its Makefile; compiler warnings are errors."""

    def make(example: str, target: str) -> Path:
        folder = tmp_path_factory.mktemp(example)
        for file in (EXAMPLES / example).iterdir():
            if file.name == "Makefile" or file.suffix in {".c", ".h"}:
                shutil.copy(file, folder)
        subprocess.run(["make", "--no-print-directory", STRICT, target], cwd=folder, check=True)
        return folder

    return make
