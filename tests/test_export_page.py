"""The page on export: its files are written and its commands run in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[1] / "docs/export.md").read_text("utf-8")
FILE = re.compile(r"`(\w+\.\w+)`:\n\n```python\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)


def test_the_commands_print_what_the_page_shows(tmp_path: Path) -> None:
    for name, text in FILE.findall(PAGE):
        (tmp_path / name).write_text(text, "utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["read_golden.py", "run_vectors.py"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    commands = COMMAND.findall(PAGE)
    assert len(commands) == 9
    for command, shown in commands:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False
        )
        assert done.stdout + done.stderr == shown, command


def test_the_page_lists_the_files_of_a_test_case(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rnn_goldens", "export", "lstm/plain", "--to", "onnx", "vectors"]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    listed = re.findall(r"^(vectors/test_lstm_plain/\S+)", PAGE, re.MULTILINE)
    written = (path for path in (tmp_path / "vectors").rglob("*") if path.is_file())
    assert sorted(listed) == sorted(path.relative_to(tmp_path).as_posix() for path in written)
