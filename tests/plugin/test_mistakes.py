"""If a test or an implementation has a mistake, wrong outputs fail, and right outputs of other goldens pass.

``python -m benchmarks nothing-unchecked`` runs each mistake with every command; here, mistakes that do not end a
process run together.
"""

import json
from pathlib import Path

import pytest

from benchmarks.mistakes import IMPLEMENTATIONS, TESTS, Mistake

ENDING = ("exit", "fault", "killed", "Ctrl-C", "KeyboardInterrupt", "forked", "catches all")
"""Words in the names of mistakes that end the process, or the run."""

KNOWN = {"`check_fails`"}
"""Tests that expect a mismatch."""

ONE = '@pytest.mark.rnn_goldens(ids="documented/mini-batch")\n'


def ends_nothing(mistake: Mistake) -> bool:
    return not any(word in mistake.name for word in ENDING)


def outcomes(project: pytest.Pytester, modules: dict[str, str], *options: str) -> dict[str, dict[str, str]]:
    """Run modules; return the entry of each module in the results file."""
    for name, module in modules.items():
        (project.path / f"{name}.py").write_text(module, "utf-8")
    project.runpytest_subprocess("--rnn-goldens-report=results.json", "--rnn-goldens-time-limit=0.2", *options)
    document = json.loads(Path(project.path / "results.json").read_text("utf-8"))
    return {entry["test"].partition(".py")[0]: entry for entry in document["results"]}


@pytest.mark.slow
def test_no_test_that_continues_after_a_mismatch_passes(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    by_module = {f"test_{number}": m for number, m in enumerate(TESTS) if ends_nothing(m)}
    modules = {name: m.module.replace("def test_it(", f"{ONE}def test_it(") for name, m in by_module.items()}
    found = outcomes(project, modules, *workers)
    assert found.keys() == by_module.keys()
    passed = {by_module[name].name for name, entry in found.items() if entry["outcome"] == "passed"}
    assert passed == set()
    assert {by_module[name].name for name, entry in found.items() if entry["outcome"] == "known-failure"} == KNOWN


INTERFERING = [
    m for m in IMPLEMENTATIONS if ends_nothing(m) and (m.harmless or "read" in m.name or "endless loop" in m.name)
]
"""Mistakes that might affect other goldens."""


@pytest.mark.slow
@pytest.mark.parametrize("mistake", INTERFERING, ids=[m.name for m in INTERFERING])
def test_a_misbehaving_implementation_affects_only_its_own_golden(project: pytest.Pytester, mistake: Mistake) -> None:
    """Run the mistake and then a right implementation in one process."""
    test = f"""
import net, numpy, pytest
from my_rnn import right

{ONE}
def test_first(rnn_golden, rnn_implementation):
    rnn_golden.check(*rnn_implementation(rnn_golden))

@pytest.mark.rnn_goldens(ids="documented/mini-batch", dtypes=["float32", "float64"])
def test_then(rnn_golden):
    numpy.float32(1e-30) * numpy.float32(1e-30)
    rnn_golden.check(*right(rnn_golden))
"""
    project.makepyfile(net=mistake.module, test_it=test)
    project.runpytest_subprocess(
        "--rnn-goldens-report=results.json", "--rnn-goldens-time-limit=0.2", "--rnn-goldens-implementation=net:run"
    )
    first, *then = json.loads((project.path / "results.json").read_text("utf-8"))["results"]
    assert (first["outcome"] == "passed") == mistake.harmless
    assert [entry["outcome"] for entry in then] == ["passed", "passed"]
