"""The files and commands of the pages on custom goldens, custom cells and Python without pytest work as shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "own-goldens.md").read_text("utf-8")
PYTHON = (DOCS / "start.md").read_text("utf-8")
CELLS = (DOCS / "own-cells.md").read_text("utf-8")
FILE = re.compile(r"`(\w+\.\w+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"^```\n(\$ .*?)```", re.DOTALL | re.MULTILINE)


def run(command: str, folder: Path) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "PYTHONDONTWRITEBYTECODE": "1",  # Python would run old bytecode of a file that was edited within one second
    }
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + done.stderr


def follow(page: str, folder: Path, test: str, right: str, wrong: str) -> None:
    """Write the files of a page and run its commands in order; break the test before a block that shows a failure."""
    for name, text in FILE.findall(page):
        (folder / name).write_text(text, "utf-8")
    assert right in (folder / test).read_text("utf-8")
    assert f"`{wrong}`" in page
    for block in COMMANDS.findall(page):
        if re.search(r"^F+( |$)", block, re.MULTILINE):
            (folder / test).write_text((folder / test).read_text("utf-8").replace(right, wrong), "utf-8")
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            printed = run(command, folder)
            for line in shown.splitlines():
                assert line in printed, f"{command} printed\n{printed}"


def test_the_tutorial_on_a_trained_lstm_shows_what_is_printed(tmp_path: Path) -> None:
    assert [name for name, _ in FILE.findall(PAGE)] == ["train.py", "my_scenarios.py", "test_my_lstm.py", "pytest.ini"]
    assert len(COMMANDS.findall(PAGE)) == 5
    right, wrong = "i, f, g, o = np.split(a, 4, axis=1)", "i, o, f, g = np.split(a, 4, axis=1)"
    follow(PAGE, tmp_path, "test_my_lstm.py", right, wrong)


def test_the_tutorial_on_custom_cells_shows_what_is_printed(tmp_path: Path) -> None:
    assert [name for name, _ in FILE.findall(CELLS)] == ["my_cells.py", "my_scenarios.py", "test_my_mgu.py"]
    assert len(COMMANDS.findall(CELLS)) == 4
    follow(CELLS, tmp_path, "test_my_mgu.py", 'b_hf, b_hn = np.split(w["bias_hh_l0"], 2)', "b_hf, b_hn = 0, 0")


def test_the_tutorial_without_pytest_shows_what_is_printed(tmp_path: Path) -> None:
    assert [name for name, _ in FILE.findall(PYTHON)] == ["my_lstm.py", "look.py", "test_with_unittest.py"]
    assert len(COMMANDS.findall(PYTHON)) == 3
    right, wrong = "i, f, g, o = np.split(a, 4, axis=1)", "i, f, o, g = np.split(a, 4, axis=1)"
    follow(PYTHON, tmp_path, "my_lstm.py", right, wrong)


def test_the_snippet_without_files_runs(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"## Without files\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path, check=True)


def test_the_scenario_with_gradients_has_gradients(tmp_path: Path) -> None:
    files = dict(FILE.findall(PAGE))
    (snippet,) = re.findall(r"## With gradients\n\n.*?```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "train.py").write_text(files["train.py"], "utf-8")
    (tmp_path / "my_scenarios.py").write_text(f"{files['my_scenarios.py']}\nSCENARIOS = [{snippet}]\n", "utf-8")
    run("python train.py", tmp_path)
    assert "new       mine/backward" in run("rnn-goldens generate --scenarios my_scenarios.py --into goldens", tmp_path)
    assert "1 passed" in run("rnn-goldens check torch --rnn-goldens-gradients --rnn-goldens-corpus=goldens", tmp_path)
