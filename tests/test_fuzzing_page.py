"""The page on drawn goldens, followed by a reader: its files written, its commands run, in an empty folder."""

import re
from pathlib import Path

import pytest
from test_own_goldens_page import COMMANDS, FILE, run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/fuzzing.md").read_text("utf-8")


def test_what_is_typed_prints_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--hypothesis-profile=ci")  # draws the same each time, however long it takes
    files = dict(FILE.findall(PAGE))
    assert list(files) == ["my_lstm.py", "test_my_lstm.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    program = (ROOT / "examples/programs/my_rnn.py").read_text("utf-8")
    assert "math.tanh" in program
    (tmp_path / "my_rnn.py").write_text(program, "utf-8")
    blocks = COMMANDS.findall(PAGE)
    assert len(blocks) == 5
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.MULTILINE):
        printed = run(command, tmp_path)
        for lines in shown.split("…\n"):
            assert f"\n{lines}" in f"\n{printed}", f"{command} printed\n{printed}"


def test_the_sizes_on_the_page_are_the_defaults() -> None:
    from rnn_goldens.fuzzing.bounds import Sizes
    from rnn_goldens.fuzzing.sizes import SMALL

    defaults = ", ".join(str(size) for size in vars(Sizes()).values())
    *most, last = (str(size) for size in vars(SMALL).values())
    assert f"| {defaults} by default. Most goldens have at most {', '.join(most)} and {last};" in PAGE
