"""A repository that a version can be released from, in a folder of its own; and an index to ask."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = "0.2.0"

PYPROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "same_bytes"
backend-path = ["distribution"]

[project]
name = "rnn-goldens"
version = "{version}"

[project.urls]
Repository = "https://github.com/rnn-goldens/rnn-goldens"

[tool.setuptools]
packages = ["rnn_goldens"]

[tool.towncrier]
{towncrier}
"""

CHANGELOG = """\
# Changelog

What a user notices.

<!-- A release is put below this line. -->

## 0.2.0 (2026-12-01)

### Added

- Something.

## 0.1.0 (2026-11-01)

### Added

- All.
"""


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a test", "-c", "user.email=test@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With the project's own way of releasing, and little to release."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "distribution", folder / "distribution", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "changes").mkdir()
    for name in ("README.md", "template.md.jinja"):
        shutil.copy(ROOT / "changes" / name, folder / "changes")
    towncrier = (ROOT / "pyproject.toml").read_text("utf-8").partition("[tool.towncrier]\n")[2].partition("\n[tool")[0]
    (folder / "pyproject.toml").write_text(PYPROJECT.format(version=VERSION, towncrier=towncrier))
    (folder / "CITATION.cff").write_text(f"cff-version: 1.2.0\nversion: {VERSION}\ndate-released: 2026-12-01\n")
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    (folder / "MANIFEST.in").write_text("graft distribution\nglobal-exclude *.pyc\n")
    (folder / ".gitignore").write_text("__pycache__/\nbuild/\n*.egg-info/\n")
    (folder / "rnn_goldens").mkdir()
    (folder / "rnn_goldens/__init__.py").write_text('"""Little."""\n')
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.fixture
def index() -> Iterator[Callable[..., str]]:
    """Start an index that has versions, or answers with an error; its address."""
    running: list[ThreadingHTTPServer] = []

    def start(*versions: str, status: int = 200) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/rnn-goldens/" else 404)
                self.end_headers()
                self.wfile.write(json.dumps({"name": "rnn-goldens", "versions": versions}).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # its name there
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


Release = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def release(repository: Path, index: Callable[..., str]) -> Release:
    """Release a version from the repository, or try to; the index knows no version unless one is given."""

    def run(version: str = VERSION, *options: str, at: str | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "distribution/release.py", version, "--index", at or index(), *options]
        return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)

    return run
