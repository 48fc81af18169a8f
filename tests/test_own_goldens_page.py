"""The page on goldens of one's own, followed by a reader: its files written, its commands run, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[1] / "docs/own-goldens.md").read_text("utf-8")
FILE = re.compile(r"`(\w+\.\w+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"^```\n(\$ .*?)```", re.DOTALL | re.MULTILINE)


def run(command: str, folder: Path) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
    }
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + done.stderr


def test_what_is_typed_prints_what_is_shown(tmp_path: Path) -> None:
    files = dict(FILE.findall(PAGE))
    assert list(files) == ["train.py", "my_scenarios.py", "test_my_lstm.py", "pytest.ini"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    blocks = COMMANDS.findall(PAGE)
    assert len(blocks) == 5
    right, wrong = "i, f, g, o = np.split(a, 4, axis=1)", "i, o, f, g = np.split(a, 4, axis=1)"
    assert right in files["test_my_lstm.py"]
    assert f"`{wrong}`" in PAGE
    for block in blocks:
        if "FFFF" in block:
            (tmp_path / "test_my_lstm.py").write_text(files["test_my_lstm.py"].replace(right, wrong), "utf-8")
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            printed = run(command, tmp_path)
            for line in shown.splitlines():
                assert line in printed, f"{command} printed\n{printed}"


def test_the_snippet_without_files_runs(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"## Without files\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path, check=True)
