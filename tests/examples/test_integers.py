"""The integer LSTM in C passes the goldens of its definition; each mistake put into it is named alone."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from examples.compilation import EXAMPLES

from rnn_goldens import Golden, RnnGoldensError, Unsupported, load, select
from rnn_goldens.cells.integer_lstm import TABLE
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.export.exported_golden import encode
from rnn_goldens.implementations import adapt

FOLDER = EXAMPLES / "integers"
FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")
SOURCE = (FOLDER / "lstm_int8.c").read_text("utf-8")
DOCUMENT = (EXAMPLES.parent / "docs/integer-lstms.md").read_text("utf-8")
PAGE = (FOLDER / "README.md").read_text("utf-8")

Port = Callable[..., list[tuple[Golden, Verdict]]]


def compile_in(folder: Path, source: str, *arguments: str) -> None:
    """Write the LSTM into a folder and compile there, with warnings as errors."""
    compiler = shutil.which("cc") or pytest.fail("a C compiler is missing: apt-get install gcc")
    (folder / "lstm_int8.c").write_text(source, "utf-8")
    subprocess.run([compiler, *FLAGS, *arguments, "-lm"], cwd=folder, check=True)


def module_in(folder: Path) -> ModuleType:
    """Return ``port.py`` as if it were in a folder."""
    module = ModuleType("port")
    module.__file__ = str(folder / "port.py")
    exec((FOLDER / "port.py").read_text("utf-8"), vars(module))
    return module


def with_changes(*changes: tuple[str, str]) -> str:
    source = SOURCE
    for right, wrong in changes:
        assert source.count(right) == 1, right
        source = source.replace(right, wrong)
    return source


@pytest.fixture
def ported(tmp_path: Path) -> Callable[..., ModuleType]:
    """A function that compiles the LSTM with pieces replaced, and returns the module that calls it."""

    def compiled(*changes: tuple[str, str]) -> ModuleType:
        compile_in(tmp_path, with_changes(*changes), "-shared", "-fPIC", "-o", "lstm_int8.so", "lstm_int8.c")
        return module_in(tmp_path)

    return compiled


@pytest.fixture
def port(ported: Callable[..., ModuleType]) -> Port:
    """A function that compiles the port with pieces replaced, and returns the verdict of each golden of a cell."""

    def checked(cell: str, *changes: tuple[str, str]) -> list[tuple[Golden, Verdict]]:
        module = ported(*changes)
        goldens = [g for g in select(cell=cell) if "rounding" not in g.config]
        return [(golden, golden.compare(*adapt(module.lstm)(golden))) for golden in goldens]

    return checked


def check_in_c(folder: Path, *changes: tuple[str, str]) -> "subprocess.CompletedProcess[str]":
    """Compile and run the program that checks the LSTM, with pieces of the LSTM replaced."""
    for name in ("check_lstm_int8.c", "lstm_int8_cmsis_zero_points.h"):
        shutil.copy(FOLDER / name, folder)
    included = f"-I{EXAMPLES.parent / 'c'}"
    compile_in(folder, with_changes(*changes), included, "-o", "check_lstm_int8", "check_lstm_int8.c")
    return subprocess.run([folder / "check_lstm_int8"], capture_output=True, text=True, check=False)


def test_the_port_is_about_a_hundred_lines() -> None:
    assert len(SOURCE.splitlines()) <= 110


def test_the_table_of_the_port_is_that_of_the_definition(ported: Callable[..., ModuleType]) -> None:
    assert ported().TABLE.tolist() == TABLE.tolist()


def test_a_missing_library_is_one_error_with_the_command_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(RnnGoldensError) as raised:
        module_in(tmp_path)
    told, command = str(raised.value).split(", run: ")
    assert told == "lstm_int8.so is missing; in its folder"
    assert f"$ {command}\n$ rnn-goldens check port:lstm --cell lstm_int8_cmsis\n" in DOCUMENT


def test_the_port_refuses_other_goldens(ported: Callable[..., ModuleType]) -> None:
    port = adapt(ported().lstm)
    rounded_once = [golden for golden in select(cell="lstm_int8_cmsis") if "rounding" in golden.config]
    assert rounded_once
    for golden in rounded_once:
        with pytest.raises(Unsupported, match="multipliers that round once"):
            port(golden)
    for golden_id, what in (("lstm-16x8-cmsis/plain", "lstm_16x8_cmsis in int16"), ("gru/plain", "gru in float32")):
        with pytest.raises(Unsupported, match=f"^{what}; this port computes int8: give --cell lstm_int8_cmsis$"):
            port(load(golden_id))


def test_the_port_passes_each_golden_of_its_definition(port: Port) -> None:
    found = port("lstm_int8_cmsis")
    assert len(found) >= 11
    assert all(verdict.passed for _, verdict in found)


@pytest.mark.parametrize("cell", ["lstm_int8_tflm", "lstm_int8_tflite"])
def test_a_run_says_which_definition_the_port_computes(port: Port, cell: str) -> None:
    wrong = [verdict for _, verdict in port(cell) if not verdict.passed]
    assert len(wrong) >= 3
    alone = set.intersection(*({*verdict.explained_by} for verdict in wrong))
    assert alone == {"definition_of_cmsis", *(["tables_for_series"] if cell == "lstm_int8_tflite" else [])}


@pytest.mark.parametrize(
    ("cell", "changes"),
    [
        ("lstm_int8_cmsis", [("c[j] = (int16_t)to_16_bits(kept + added);", "c[j] = (int16_t)(kept + added);")]),
        ("lstm_int8_tflm", []),
    ],
)
def test_the_document_shows_how_many_goldens_fail(port: Port, cell: str, changes: list[tuple[str, str]]) -> None:
    found = port(cell, *changes)
    wrong = sum(not verdict.passed for _, verdict in found)
    assert f"{cell}: {wrong} of {len(found)} fail{'s' if wrong == 1 else ''}. One known deviation matches " in DOCUMENT


MISTAKES = pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("(x[n] - p->x_zero)", "x[n]", "x_zero_point_left_out"),
        ("return x < 0 ? -half_up(-x, n) : half_up(x, n);", "return half_up(x, n);", "ties_always_up"),
        ("c[j] = (int16_t)to_16_bits(kept + added);", "c[j] = (int16_t)(kept + added);", "cell_sum_wraps"),
        ("p->h_shift) + p->h_zero, -128", "p->h_shift), -128", "output_zero_point_left_out"),
        ("p->h_shift) + p->h_zero, -128", "p->h_shift) - p->h_zero, -128", "output_zero_point_subtracted"),
        (
            "half_up(3 * q, -shift);",
            "(q < 0 ? -1 : 1) * half_up(llabs(3 * q), -shift);",
            "tanh_of_c_rounds_the_magnitude",
        ),
        ("clamp(c[j], -p->cell_clip, p->cell_clip)", "c[j]", "clip_missing"),
        ("int64_t of_x = b[j], of_h = 0;", "int64_t of_x = 0, of_h = 0; (void)b;", "bias_lost"),
        ("int64_t of_x = b[j]", "int64_t of_x = (int16_t)b[j]", "bias_in_16_bits"),
        ("(h[n] - p->h_zero)", "(h[n] + p->h_zero)", "h_zero_point_added"),
        ("out[j] = (int8_t)clamp(", "h[j] = out[j] = (int8_t)clamp(", "h_in_place"),
        ("W[j * p->inputs + n]", "W[n * p->units + j]", "input_matrix_transposed"),
    ],
)


@MISTAKES
def test_a_mistake_in_the_port_is_named(port: Port, right: str, wrong: str, name: str) -> None:
    causes = [{*verdict.explained_by} for _, verdict in port("lstm_int8_cmsis", (right, wrong)) if not verdict.passed]
    assert causes
    assert set.intersection(*causes) == {name}
    assert f" | `{name}` |\n" in DOCUMENT


def test_a_port_that_keeps_no_states_is_named_as_the_document_shows(ported: Callable[..., ModuleType]) -> None:
    module = ported()

    class Port:
        """A port with ``reset_states``, of which every call starts anew."""

        def __call__(self, golden: Golden) -> Any:
            return module.lstm(golden)

        def reset_states(self) -> None:
            """Do nothing, since nothing is kept."""

    run = adapt(Port())
    goldens = [golden for golden in select(cell="lstm_int8_cmsis") if "rounding" not in golden.config]
    of_goldens = [dict(golden.compared(run, ["stateful"])) for golden in goldens]
    assert all(verdicts["once"].passed for verdicts in of_goldens)
    causes = [{*v.explained_by} for verdicts in of_goldens for v in verdicts.values() if not v.passed]
    assert set.intersection(*causes) == {"kept_state_ignored"}
    assert f"\nlstm_int8_cmsis: {len(causes)} of {len(goldens)} fail. One known deviation matches every" in DOCUMENT
    assert "  kept_state_ignored: Starts each call that continues another from zero;" in DOCUMENT


def test_the_program_in_c_passes(tmp_path: Path) -> None:
    done = check_in_c(tmp_path)
    assert (done.returncode, done.stdout) == (0, "lstm_int8 passed\n")
    assert done.stdout in PAGE


def test_the_program_in_c_fails_with_a_mistake_and_says_where(tmp_path: Path) -> None:
    done = check_in_c(tmp_path, ("(x[n] - p->x_zero)", "x[n]"))
    assert done.returncode == 1
    assert "lstm-int8-cmsis/zero-points: out: " in done.stdout
    assert "first at batch 0, time step 0, unit " in done.stdout
    assert all(f"  {line}\n" in PAGE for line in done.stdout.splitlines())


def test_the_document_shows_the_calls_of_the_program_in_c() -> None:
    program = (FOLDER / "check_lstm_int8.c").read_text("utf-8")
    shown = DOCUMENT.partition("```c\n")[2].partition("```")[0]
    calls = program.partition("    sigmoid_table(")[2].splitlines()[1:5]
    assert shown.split() == " ".join(calls).split()


def test_the_header_of_the_program_in_c_equals_the_exported_one() -> None:
    (content,) = encode(load("lstm-int8-cmsis/zero-points"), "c").files.values()
    assert (FOLDER / "lstm_int8_cmsis_zero_points.h").read_bytes() == content
