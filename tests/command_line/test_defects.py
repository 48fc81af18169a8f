"""``defects``: the engines' known defects, as text and as JSON, and its exit codes."""

import json
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2

FIXED = """
[[defect]]
id = "numpy-lengths"
engine = "numpy"
implementation = "numpy"
versions = ">=1"
golden = "gru/lengths"
dtype = "float32"
deviation = "lengths_ignored"
effect = "Every sequence runs to the padded end."
"""


def test_each_defect_of_an_engine_is_shown_with_its_state_golden_versions_effect_and_report(run: Run) -> None:
    shown = run("defects", "onnxruntime").stdout
    assert f"present: onnxruntime {version('onnxruntime')}, lstm-clip/one-step-of-four in float32\n" in shown
    effect = "onnxruntime >=1.21: LSTM does not clip c, the input of the last activation. (clip_not_of_cell)"
    assert effect in " ".join(shown.split())
    assert "  https://github.com/microsoft/onnxruntime/issues/27224\n" in shown
    assert shown.endswith("1 defect run: 1 present\n")
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_a_list_that_names_a_fixed_defect_fails_and_says_what_to_edit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FIXED)
    done = run("defects", "--data", "mine.toml", code=FINDING)
    assert f"not present: numpy {version('numpy')}, gru/lengths in float32" in done.stdout
    correction = " ".join(done.stdout.partition("mine.toml differs:")[2].split())
    assert correction == (
        f'numpy-lengths: is not present in numpy {version("numpy")}: exclude that version from versions = ">=1"'
    )


@pytest.mark.slow
def test_a_defect_that_is_not_present_outside_its_range_is_shown_with_the_range(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FIXED.replace(">=1", ">=0.1,<1"))
    assert run("defects", "--data", "mine.toml").stdout == (
        f"not present: numpy {version('numpy')}, gru/lengths in float32\n"
        "  numpy >=0.1,<1: Every sequence runs to the padded end. (lengths_ignored)\n"
        "  no report is known\n"
        "1 defect run: 1 not present\n"
    )


@pytest.mark.slow
def test_an_adapter_in_a_package_on_the_path_is_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "elsewhere" / "my_pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "module.py").write_text("from rnn_goldens.implementations.numpy_cells import run\n")
    monkeypatch.syspath_prepend(package.parent)
    (tmp_path / "mine.toml").write_text(
        FIXED.replace('implementation = "numpy"', 'implementation = "my_pkg.module:run"')
    )
    shown = run("defects", "--data", "mine.toml", code=FINDING).stdout
    assert f"not present: numpy {version('numpy')}, gru/lengths in float32" in shown
    assert "adapter of the repository" not in shown


def test_an_adapter_of_your_own_that_is_not_here_is_a_finding(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        FIXED.replace('implementation = "numpy"', 'implementation = "my_pkg.module:run"')
    )
    shown = run("defects", "--data", "mine.toml", code=FINDING).stdout
    assert "could not be run: implementation 'my_pkg.module:run': no module 'my_pkg'" in " ".join(shown.split())


def test_a_misspelled_implementation_is_a_mistake_of_the_list(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FIXED.replace('implementation = "numpy"', 'implementation = "numpyy"'))
    error = run("defects", "--data", "mine.toml", code=FINDING).stderr
    assert error.startswith(
        "Error: mine.toml: numpy-lengths: no implementation 'numpyy'. Did you mean 'numpy'? "
        "Implementations (or package.module:thing, FILE.onnx, or -- COMMAND): "
    )


@pytest.mark.slow
def test_engines_that_are_not_here_are_counted_and_named(run: Run, tmp_path: Path) -> None:
    far = FIXED.replace('"numpy"\nversions', '"conformance.numpy:run"\nversions').replace("numpy-l", "far-l")
    gone = FIXED.replace('engine = "numpy"', 'engine = "no-such-engine"').replace("numpy-l", "gone-l")
    (tmp_path / "mine.toml").write_text(FIXED + far + gone)
    shown = run("defects", "--data", "mine.toml", code=FINDING).stdout
    assert "1 defect run: 1 not present\n" in shown
    assert "1 not installed: no-such-engine (1)\n" in shown
    assert "1 needs an adapter of the repository: numpy (1)\n" in shown


@pytest.mark.slow
def test_the_findings_are_printed_as_json(run: Run, tmp_path: Path) -> None:
    gone = FIXED.replace('engine = "numpy"', 'engine = "no-such-engine"').replace("numpy-l", "gone-l")
    (tmp_path / "mine.toml").write_text(FIXED + gone)
    entries = json.loads(run("defects", "--data", "mine.toml", "--json", code=FINDING).stdout)
    assert {e["id"]: (e["state"], e["as_listed"]) for e in entries} == {
        "numpy-lengths": ("not present", False),
        "gone-lengths": ("not installed", True),
    }
    assert {e["id"]: e["installed"] for e in entries} == {"numpy-lengths": version("numpy"), "gone-lengths": None}


@pytest.mark.parametrize(
    ("engine", "why"),
    [("onnxruntim", "Did you mean 'onnxruntime'"), ("thinc", "thinc is not installed: pip install thinc")],
)
def test_an_engine_that_is_unknown_or_not_here_is_wrong_use(run: Run, engine: str, why: str) -> None:
    assert why in run("defects", engine, code=WRONG_USE).stderr


def test_reports_are_listed_with_their_deviations(run: Run) -> None:
    shown = run("defects", "--reported").stdout
    assert "onnx PR7935: the reference ignores the direction reverse\n  reverse_not_reversed\n" in shown
    assert "flax#3208: lengths are an error\n  no deviation\n" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    (one,) = [e for e in json.loads(run("defects", "--reported", "--json").stdout) if e["issue"] == "onnx PR7935"]
    assert one["deviations"] == ["reverse_not_reversed"]
    assert "leave out ENGINE" in run("defects", "--reported", "onnx", code=WRONG_USE).stderr
