"""``defects``: the engines' known defects, as text and as JSON, and its exit codes."""

import json
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2

NUMPY = version("numpy")


def entry(name: str, engine: str = "numpy", implementation: str = "numpy", versions: str = ">=1") -> str:
    """Return an entry of a list of defects that NumPy's implementation does not have."""
    return f"""
[[defect]]
id = "{name}"
engine = "{engine}"
implementation = "{implementation}"
versions = "{versions}"
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


@pytest.mark.slow
def test_a_list_that_names_a_fixed_defect_fails_and_says_what_to_edit(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "elsewhere" / "my_pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "module.py").write_text("from rnn_goldens.implementations.numpy_cells import run\n")
    monkeypatch.syspath_prepend(package.parent)
    entries = [
        entry("fixed"),
        entry("out-of-range", versions=">=0.1,<1"),
        entry("own", implementation="my_pkg.module:run"),
        entry("lost", implementation="lost_pkg.module:run"),
        entry("far", implementation="conformance.numpy:run"),
        entry("gone", engine="no-such-engine"),
    ]
    (tmp_path / "mine.toml").write_text("".join(entries))
    shown = run("defects", "--data", "mine.toml", code=FINDING).stdout
    out_of_range = (
        f"not present: numpy {NUMPY}, gru/lengths in float32\n"
        "  numpy >=0.1,<1: Every sequence runs to the padded end. (lengths_ignored)\n"
        "  no report is known\n"
    )
    assert out_of_range in shown
    assert "1 not installed: no-such-engine (1)\n" in shown
    assert "1 needs an adapter of the repository: numpy (1)\n" in shown
    shown = " ".join(shown.split())
    assert "could not be run: implementation 'lost_pkg.module:run': no module 'lost_pkg'" in shown
    exclude = f'is not present in numpy {NUMPY}: exclude that version from versions = ">=1"'
    correction = shown.partition("mine.toml differs:")[2]
    assert f"fixed: {exclude}" in correction
    assert f"own: {exclude}" in correction
    assert "out-of-range" not in correction
    found = json.loads(run("defects", "--data", "mine.toml", "--json", code=FINDING).stdout)
    by_id = {e["id"]: (e["state"], e["as_listed"], e["installed"]) for e in found}
    assert by_id["fixed"] == by_id["own"] == ("not present", False, NUMPY)
    assert by_id["out-of-range"] == ("not present", True, NUMPY)
    assert by_id["gone"] == ("not installed", True, None)


def test_a_misspelled_implementation_is_a_mistake_of_the_list(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(entry("slip", implementation="numpyy"))
    error = run("defects", "--data", "mine.toml", code=FINDING).stderr
    assert error.startswith(
        "Error: mine.toml: slip: no implementation 'numpyy'. Did you mean 'numpy'? "
        "Implementations (or package.module:thing, FILE.onnx, or -- COMMAND): "
    )


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
