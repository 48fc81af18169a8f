"""The integer LSTM in C passes the goldens of its definition; each mistake put into it is named alone."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from examples.compilation import EXAMPLES

from rnn_goldens import Golden, select
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.implementations import adapt

FOLDER = EXAMPLES / "integers"
FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC")
SOURCE = (FOLDER / "lstm_int8.c").read_text("utf-8")

Port = Callable[..., list[tuple[Golden, Verdict]]]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    """A function that compiles the port with pieces replaced, and returns the verdict of each golden of a cell."""
    libraries = list[ctypes.CDLL]()

    def checked(cell: str, *changes: tuple[str, str]) -> list[tuple[Golden, Verdict]]:
        source = SOURCE
        for right, wrong in changes:
            assert source.count(right) == 1, right
            source = source.replace(right, wrong)
        name = f"port{len(libraries)}"
        (tmp_path / f"{name}.c").write_text(source, "utf-8")
        library = tmp_path / f"{name}.so"
        compiler = shutil.which("cc") or pytest.fail("a C compiler is missing: apt-get install gcc")
        subprocess.run([compiler, *FLAGS, "-o", library, tmp_path / f"{name}.c"], check=True)
        module = ModuleType(name)
        module.__file__ = str(FOLDER / "port.py")
        exec((FOLDER / "port.py").read_text("utf-8"), vars(module))
        module.LIBRARY = library  # type: ignore[attr-defined]
        libraries.append(ctypes.CDLL(str(library)))
        goldens = [g for g in select(cell=cell) if "rounding" not in g.config]
        return [(golden, golden.compare(*adapt(module.lstm)(golden))) for golden in goldens]

    yield checked
    libraries.clear()


def test_the_port_is_about_a_hundred_lines() -> None:
    assert len(SOURCE.splitlines()) <= 110


def test_the_port_passes_each_golden_of_its_definition(port: Port) -> None:
    found = port("lstm_int8_cmsis")
    assert len(found) == 11
    assert all(verdict.passed for _, verdict in found)


@pytest.mark.parametrize("cell", ["lstm_int8_tflm", "lstm_int8_tflite"])
def test_a_run_says_which_definition_the_port_computes(port: Port, cell: str) -> None:
    wrong = [verdict for _, verdict in port(cell) if not verdict.passed]
    assert len(wrong) >= 3
    assert all("definition_of_cmsis" in verdict.explained_by for verdict in wrong)


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("(x[n] - p->x_zero)", "x[n]", "x_zero_point_left_out"),
        ("return x < 0 ? -half_up(-x, n) : half_up(x, n);", "return half_up(x, n);", "ties_always_up"),
        ("c[j] = (int16_t)to_16_bits(kept + added);", "c[j] = (int16_t)(kept + added);", "cell_sum_wraps"),
        ("int64_t of_x = b[j], of_h = 0;", "int64_t of_x = 0, of_h = 0; (void)b;", "bias_lost"),
    ],
)
def test_a_mistake_in_the_port_is_named(port: Port, right: str, wrong: str, name: str) -> None:
    causes = [{*verdict.explained_by} for _, verdict in port("lstm_int8_cmsis", (right, wrong)) if not verdict.passed]
    assert causes
    assert set.intersection(*causes) == {name}
