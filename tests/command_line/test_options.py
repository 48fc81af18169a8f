"""The options that select goldens have the same names in every command, and a shell completes their values."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line.conftest import in_a_terminal

from rnn_goldens.errors import FINDING, WRONG_USE
from rnn_goldens.implementations import BUILTIN

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SELECTING = ("--ids=gru/*,lstm/plain", "--cell", "gru", "--features=lengths,state", "--without", "core,bidirectional")


@pytest.mark.slow
def test_list_check_report_and_protocol_select_by_the_same_options(run: Run, tmp_path: Path) -> None:
    listed = json.loads(run("list", *SELECTING, "--dtype=bfloat16", "--json").stdout)
    assert [entry["id"] for entry in listed] == ["gru/lengths"]
    checked = run("check", "numpy", *SELECTING, "--dtype=bfloat16,float64", "--report=found.json").stdout
    assert "2 passed" in checked
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))["results"]
    assert sorted((r["golden"], r["dtype"]) for r in found) == [("gru/lengths", "bfloat16"), ("gru/lengths", "float64")]
    run("report", "numpy", *SELECTING, "--dtype=bfloat16,float64")
    totals = json.loads((tmp_path / "conformance.json").read_text("utf-8"))["implementations"][0]["results"]
    assert {(t["cell"], t["dtype"]): t["passed"] for t in totals if t["passed"]} == {
        ("gru", "float64"): 1,
        ("gru", "bfloat16"): 1,
    }
    sent = run("protocol", "--requests", *SELECTING, "--dtype=float64,float32").stdout.splitlines()
    requests = [(message.get("golden"), message.get("precision")) for message in map(json.loads, sent)]
    assert requests == [(None, None), ("gru/lengths", "float64"), ("gru/lengths", "float32")]


@pytest.mark.parametrize("command", [["list"], ["protocol"], ["report", "numpy"], ["fuzz", "numpy"]])
def test_an_empty_name_between_commas_is_wrong_use(run: Run, command: list[str]) -> None:
    output = run(*command, "--cell=gru,", code=WRONG_USE).stderr
    assert "an entry in the comma-separated list of names is empty" in output


def test_selecting_nothing_is_wrong_use(run: Run) -> None:
    assert (
        "no golden is selected"
        in run("report", "numpy", "--ids=gru/numbers-of-53-bits", "--dtype=float16", code=WRONG_USE).stderr
    )
    ids = "--ids=gru/numbers-of-53-bits,gru/numbers-of-24-bits"
    assert "no golden is selected in float16" in run("protocol", ids, "--dtype=float16", code=WRONG_USE).stderr


@pytest.mark.parametrize(("ids", "named"), [((), "default"), (("--ids=*/plain",), "ids=['*/plain']")])
def test_a_check_that_selects_nothing_names_the_cells_that_have_such_goldens(
    run: Run, ids: tuple[str, ...], named: str
) -> None:
    nothing = f"no golden is selected by {named} with dtypes=['int16']"
    cells = "; these cells have some, but must be named: --rnn-goldens-cell=lstm_16x8_tflm,lstm_16x8_cmsis\n"
    assert nothing + cells in run("check", "numpy", "--dtype=int16", *ids, code=WRONG_USE).stdout


@pytest.mark.parametrize("named", ["--cell=gru", "--ids=gru/plain", "--features=lengths", "--gradients"])
def test_no_cell_is_named_where_none_has_such_goldens_or_others_were_asked_for(run: Run, named: str) -> None:
    found = run("check", "numpy", "--dtype=int16", named, code=WRONG_USE).stdout
    assert "no golden is selected by " in found
    assert " with dtypes=['int16']\n" in found


@pytest.mark.slow
def test_check_accepts_the_options_of_the_plugin_by_short_names(run: Run, tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_text("dtype=float64  # not today\n", "utf-8")
    (tmp_path / "skip.txt").write_text("gru/lengths  # hangs\n", "utf-8")
    options = ("--ids=gru/plain,gru/lengths", "--known-failures=known.txt", "--skip=skip.txt", "--time-limit=30")
    assert "1 passed, 1 xfailed" in run("check", "numpy", *options).stdout
    wrong = run("check", "numpy", *options, "--dtype=float64", "--update", code=FINDING).stdout
    assert "wrote known.txt: 0 new, 0 narrowed, 1 gone" in wrong or "1 narrowed" in wrong
    assert "by the profile wgsl (wgsl: " in run("check", "numpy", "--ids=gru/plain", "--profile=wgsl").stdout
    assert "give both" in run("check", "numpy", "--update", code=WRONG_USE).stderr
    assert "3 passed" in run("check", "numpy", "--gradients", "--ids=gru/plain,gru/lengths,lstm/plain").stdout


@pytest.mark.slow
def test_check_ignores_pytest_settings_of_the_project_and_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option -k nothing")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert "4 passed" in run("check", "numpy", "--ids=documented/*").stdout


@pytest.mark.slow
def test_a_program_given_as_a_name_is_an_error_with_a_hint(run: Run, tmp_path: Path) -> None:
    (tmp_path / "k").write_text("#!/bin/sh\n")
    (tmp_path / "k").chmod(0o755)
    (tmp_path / "net.py").write_text("")
    for name in ("k", "./k"):
        assert f"'{name}' is a program: rnn-goldens check -- ./k" in run("check", name, code=WRONG_USE).stderr
    output = run("check", "net.py", code=WRONG_USE).stderr
    assert "'net.py' is a program: rnn-goldens check -- python net.py" in output


@pytest.mark.parametrize(
    ("typed", "completions"),
    [
        ("show lstm/la", ["lstm/large-c"]),
        ("protocol gru/pl", ["gru/plain"]),
        ("check onnx", ["onnxruntime", "onnx-reference"]),
        ("check numpy --cell gru,rnn_r", ["gru,rnn_relu"]),
        ("list --features satu", ["saturated"]),
        ("report numpy --dtype float6", ["float64"]),
        ("list --ids documented/si", ["documented/single-sequence"]),
        ("list --corpus no-such-folder --ids documented/si", []),
    ],
)
def test_a_shell_completes_names(run: Run, monkeypatch: pytest.MonkeyPatch, typed: str, completions: list[str]) -> None:
    words = f"rnn-goldens {typed}"
    monkeypatch.setenv("_RNN_GOLDENS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    done = run()
    assert [line.partition(",")[2] for line in done.stdout.split()] == completions
    assert done.stderr == ""


def test_list_does_not_break_words_in_80_columns(tmp_path: Path) -> None:
    written = in_a_terminal(80, "list", "--cell=gru", folder=tmp_path)
    lines = re.sub(r"\x1b\[\d*m|\r", "", written).splitlines()
    assert max(map(len, lines)) == 80
    words = {word for line in lines[2:-1] for word in line.split()}
    assert {"bidirectional", "degenerate", "yes", "f64", "bf16", "gru/numbers-beyond-float16"} <= words


@pytest.mark.slow
def test_report_shows_progress_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "slow_net.py").write_text(
        "import time\n"
        "from rnn_goldens.implementations import resolve\n"
        "numpy = resolve('numpy')\n"
        "def net(golden):\n"
        "    time.sleep(1)\n"
        "    return numpy(golden)\n"
    )
    written = in_a_terminal(80, "report", "slow_net:net", "--ids=documented/*", folder=tmp_path)
    assert "slow_net:net: starting" in written
    checked = [int(n) for n in re.findall(r"slow_net:net: (\d+) of \d+ goldens", written)]
    assert checked == sorted(checked)
    assert checked[-1] > 0
    assert written.rstrip().endswith("wrote conformance.json")


def test_the_help_of_check_lists_every_built_in_implementation(run: Run) -> None:
    output = run("check", "--help").stdout
    assert set(BUILTIN) <= set(re.findall(r"[a-z-]+", output.replace("-\n  ", "-")))
