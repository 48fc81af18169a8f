"""Defects are found in engines that have them and in no other; an engine that ends its process ends nothing else."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytest
from msgspec.structs import replace

from rnn_goldens.defects import Defect, Finding, measured, read_defects

LISTED = {defect.id: defect for defect in read_defects()}

ENDING = """
import os, signal
from rnn_goldens import Unsupported
from rnn_goldens.implementations.numpy_cells import run as right

def run(golden):
    if golden.id == "lstm/no-bias":
        os.kill(os.getpid(), signal.SIGSEGV)
    if golden.id == "lstm/unbatched":
        raise Unsupported("no unbatched input")
    return right(golden)
"""


def found(*defects: Defect) -> Mapping[str, Finding]:
    """Measure defects; returns the findings by id."""
    return {finding.defect.id: finding for finding in measured(defects)}


def of_numpy(defect: Defect, implementation: str = "numpy") -> Defect:
    """Return the same defect, said to be in the versions of NumPy in which the implementation computes."""
    return replace(defect, engine="numpy", implementation=implementation, versions=">=1")


@pytest.mark.slow
def test_defects_of_onnx_reference_are_found_in_the_versions_that_the_list_says() -> None:
    findings = found(*(defect for defect in LISTED.values() if defect.engine == "onnx"))
    assert len(findings) >= 10
    assert {finding.correction for finding in findings.values()} == {""}
    assert findings["onnx-gru-clip"].state == "present"
    assert findings["onnx-gru-clip"].version == version("onnx")


@pytest.mark.slow
def test_a_defect_that_raises_an_error_is_found() -> None:
    finding = found(LISTED["keras-jax-no-bias-float16"])["keras-jax-no-bias-float16"]
    assert (finding.state, finding.correction) == ("present", "")


@pytest.mark.slow
def test_a_correct_implementation_has_none_of_the_defects() -> None:
    """So each golden of the list can be passed, and a list that claims defects of it is found to be wrong."""
    findings = found(*map(of_numpy, LISTED.values()))
    assert {finding.state for finding in findings.values()} == {"not present"}
    here = f"is not present in numpy {version('numpy')}: exclude that version from"
    assert {finding.correction for finding in findings.values()} == {f'{here} versions = ">=1"'}


@pytest.mark.parametrize(
    ("state", "installed", "correction"),
    [
        ("present", "1.23.2", ""),
        ("not present", "1.24.0", ""),
        ("fails otherwise", "1.24.0", ""),
        ("refused", "1.23.2", ""),
        ("present", "1.24.0rc1", 'is present in onnx 1.24.0rc1: extend versions = ">=1.17,<1.24.0rc1"'),
        (
            "not present",
            "1.17",
            'is not present in onnx 1.17: exclude that version from versions = ">=1.17,<1.24.0rc1"',
        ),
        ("fails otherwise", "1.20", "onnx 1.20 fails, but not as listed: correct the entry, or add another. why"),
        ("not run", "1.24.0", "onnx 1.24.0 could not be run: why"),
    ],
)
def test_the_list_is_corrected_where_the_installed_version_says_otherwise(
    state: str, installed: str, correction: str
) -> None:
    defect = replace(LISTED["onnx-gru-clip"], versions=">=1.17,<1.24.0rc1")
    assert Finding(defect, state, installed, "why").correction == correction


def test_a_golden_that_fails_for_another_reason_does_not_show_the_defect() -> None:
    wrong_fact = replace(LISTED["onnx-gru-lengths"], id="fact", deviation="", fact="right_to_float32")
    wrong_reason = replace(LISTED["onnx-gru-lengths"], id="reason", deviation="", reason="SIGSEGV")
    wrong_deviation = replace(LISTED["onnx-gru-lengths"], id="deviation", deviation="reverse_ignored")
    findings = found(wrong_fact, wrong_reason, wrong_deviation)
    assert {finding.state for finding in findings.values()} == {"fails otherwise"}
    assert all("fails, but not as listed" in finding.correction for finding in findings.values())


@pytest.mark.slow
def test_an_engine_that_ends_its_process_ends_neither_the_command_nor_its_other_goldens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ending.py").write_text(ENDING)
    monkeypatch.chdir(tmp_path)
    crash = replace(LISTED["paddle-no-bias"], engine="numpy", implementation="ending:run", versions=">=1")
    before, after = (
        replace(crash, id=name, golden=f"lstm/{name}", reason="", deviation="h0_c0_swapped")
        for name in ("plain", "unbatched")
    )
    findings = found(before, crash, after)
    assert findings["paddle-no-bias"].state == "present"
    assert "SIGSEGV" in findings["paddle-no-bias"].detail
    assert findings["plain"].state == "not present"
    assert findings["unbatched"].state == "refused"
    assert findings["unbatched"].correction == ""


def test_what_is_not_installed_or_has_no_adapter_is_not_counted_as_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gone = replace(LISTED["onnx-gru-clip"], id="gone", engine="no-such-engine")
    far = replace(of_numpy(LISTED["thinc-lstm-states"], "conformance.numpy:run"), id="far")
    findings = found(gone, far)
    assert (findings["gone"].state, findings["gone"].detail) == ("not installed", "no-such-engine")
    assert (findings["far"].state, findings["far"].detail) == ("no adapter", str(Path("conformance/numpy.py")))
    assert {finding.correction for finding in findings.values()} == {""}


def test_an_adapter_that_cannot_be_imported_is_not_counted_as_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    monkeypatch.chdir(tmp_path)
    (finding,) = measured([of_numpy(LISTED["onnx-gru-clip"], "broken:run")])
    assert finding.state == "not run"
    assert "no_such_module" in finding.correction
