"""Whatever a test or an implementation does, a golden that was not right does not pass, and one that was does.

``make nothing-unchecked`` tries each in every way of running; here all that end no process run together.
"""

import json
from pathlib import Path

import pytest

from benchmarks.misbehaviours import IMPLEMENTATIONS, TESTS, Misbehaviour

ENDING = ("exit", "fault", "killed", "Ctrl-C", "KeyboardInterrupt", "forked", "catches all")
"""In the names of those that end the process, or the run."""

KNOWN = {"`check_fails`"}
"""Those that ask for a mismatch."""

ONE = '@pytest.mark.rnn_goldens(ids="documented/mini-batch")\n'


def ends_nothing(misbehaviour: Misbehaviour) -> bool:
    return not any(word in misbehaviour.name for word in ENDING)


def outcomes(project: pytest.Pytester, modules: dict[str, str], *options: str) -> dict[str, dict[str, str]]:
    """By module, what the results file says of its golden."""
    for name, module in modules.items():
        (project.path / f"{name}.py").write_text(module, "utf-8")
    project.runpytest_subprocess("--rnn-goldens-report=results.json", "--rnn-goldens-time-limit=0.2", *options)
    document = json.loads(Path(project.path / "results.json").read_text("utf-8"))
    return {entry["test"].partition(".py")[0]: entry for entry in document["results"]}


@pytest.mark.slow
def test_no_way_of_going_on_after_a_mismatch_passes(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    tried = {f"test_{number}": m for number, m in enumerate(TESTS) if ends_nothing(m)}
    modules = {name: m.module.replace("def test_it(", f"{ONE}def test_it(") for name, m in tried.items()}
    found = outcomes(project, modules, *workers)
    assert found.keys() == tried.keys()
    passed = {tried[name].name for name, entry in found.items() if entry["outcome"] == "passed"}
    assert passed == set()
    assert {tried[name].name for name, entry in found.items() if entry["outcome"] == "known-failure"} == KNOWN


HARMLESS = [m for m in IMPLEMENTATIONS if ends_nothing(m) and (m.right or "read" in m.name or "endless loop" in m.name)]
"""Those that might harm another golden than their own."""


@pytest.mark.slow
@pytest.mark.parametrize("misbehaviour", HARMLESS, ids=[m.name for m in HARMLESS])
def test_what_an_implementation_does_harms_no_golden_but_its_own(
    project: pytest.Pytester, misbehaviour: Misbehaviour
) -> None:
    """In one process, one after the other: it, and then one that is right."""
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
    project.makepyfile(net=misbehaviour.module, test_it=test)
    project.runpytest_subprocess(
        "--rnn-goldens-report=results.json",
        "--rnn-goldens-time-limit=0.2",
        "--rnn-goldens-implementation=net:run",
    )
    first, *then = json.loads((project.path / "results.json").read_text("utf-8"))["results"]
    assert (first["outcome"] == "passed") == misbehaviour.right
    assert [entry["outcome"] for entry in then] == ["passed", "passed"]
