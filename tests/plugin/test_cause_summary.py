"""A failing run prints each cause once at the end, with any options of pytest, and stores it in the results file."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import rnn_goldens

SHAPES = ["*/one-*", "*/plain", "*/with-state", "*/lengths", "*/bidirectional"]
SOME = f"ids={SHAPES}, without='multilayer'"
LSTM, GRU = (len(rnn_goldens.select(cell=cell, ids=SHAPES, without="multilayer")) for cell in ("lstm", "gru"))
"""The number of some goldens of each cell in float32."""

NOISY = len(rnn_goldens.select(ids=["gru/plain", "gru/one-*", "gru/with-state"]))

NETWORKS = """
import numpy as np
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import together
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.implementations.numpy_cells import arithmetic

def wrong(golden, by):
    return tuple(np.asarray(part, arithmetic(golden.dtype)) for part in by(case_of(golden, np.float64)))

def gates(golden): return wrong(golden, together(["lstm_gates_igfo"]))
def coupled(golden): return wrong(golden, together(["lstm_gates_coupled"]))
def right(golden): return numpy_cells.run(golden)
def two(golden): return wrong(golden, together(["gru_gates_zrn", "gru_reset_before_product"]))
def gates_and_shape(golden):
    out, h_n, c_n = gates(golden)
    return out, h_n[None, None], c_n
called = []
def noisy(golden):
    called.append(golden.id)
    out, h_n = numpy_cells.run(golden)
    return out + len(called), h_n
def once(golden):
    if called:
        raise ValueError("called before")
    return noisy(golden)
"""


@pytest.fixture
def wrong_networks(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(
        networks=NETWORKS,
        test_networks=f"""
        import networks, pytest
        @pytest.mark.rnn_goldens(cell="lstm", {SOME})
        def test_gates(rnn_golden): rnn_golden.check(*networks.gates(rnn_golden))
        @pytest.mark.rnn_goldens(cell="gru", {SOME})
        def test_two(rnn_golden): rnn_golden.check(*networks.two(rnn_golden))
        @pytest.mark.rnn_goldens(ids=["lstm/plain", "lstm/one-*", "lstm/with-state"])
        def test_shape(rnn_golden): rnn_golden.check(*networks.gates_and_shape(rnn_golden))
        @pytest.mark.rnn_goldens(ids=["gru/plain", "gru/one-*", "gru/with-state"])
        def test_noisy(rnn_golden): rnn_golden.check_calls(networks.noisy)
        def test_only_the_first_failures_are_run_twice(): assert len(networks.called) == {NOISY} + 3
        @pytest.mark.rnn_goldens(ids="gru/plain")
        def test_once(rnn_golden): rnn_golden.check_calls(networks.once)
        @pytest.mark.rnn_goldens(cell="lstm", {SOME})
        @pytest.mark.parametrize("name", ["gates", "right", "coupled"])
        def test_several(rnn_golden, name): rnn_golden.check(*getattr(networks, name)(rnn_golden))
        """,
    )
    return pytester


@pytest.mark.parametrize("processes", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=str)
def test_one_bug_in_many_goldens_is_reported_once_and_named_by_each_failure(
    wrong_networks: pytest.Pytester, processes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = wrong_networks.runpytest_inprocess("-k", "test_gates", "--tb=no", *processes)
    end = " ".join(result.stdout.str().partition("rnn-goldens: what is wrong")[2].split())
    assert f"lstm: {LSTM} of {LSTM} fail. One known deviation matches every one, and no other does:" in end
    assert end.count(" lstm_gates_igfo: Reads the rows") == 1
    summary = [line for line in result.stdout.lines if line.startswith("FAILED ")]
    assert len(summary) == LSTM
    for line in summary:
        golden = line.partition("[")[2].partition("-float32]")[0]
        assert line.count(golden) == 1
        assert " - lstm_gates_igfo: out is first wrong" in line
        assert "GoldenMismatch" not in line


@pytest.mark.slow
def test_two_deviations_at_once_are_both_identified_in_the_results_file_and_junit_xml(
    wrong_networks: pytest.Pytester,
) -> None:
    files = ("--rnn-goldens-report=results.json", "--junitxml=junit.xml")
    output = wrong_networks.runpytest_inprocess("-k", "test_two", "--tb=no", "-q", *files).stdout.str()
    assert f"gru: {GRU} of {GRU} fail. Two known deviations at once match every one" in output
    assert re.search("  (and )?gru_gates_zrn: ", output)
    assert re.search("  (and )?gru_reset_before_product: ", output)
    document = json.loads(Path("results.json").read_text("utf-8"))
    results = document["results"]
    (cause,) = document["causes"]
    (candidate,) = cause["candidates"]
    assert (cause["cell"], cause["certainty"], cause["failed"]) == ("gru", "explained", len(results))
    assert sorted(candidate["deviations"]) == ["gru_gates_zrn", "gru_reset_before_product"]
    assert {explained["golden"] for explained in candidate["explains"]} == {entry["golden"] for entry in results}
    assert (cause["unexplained"], cause["facts"]) == ([], {})
    assert all(entry["explained_by"][0] == " & ".join(candidate["deviations"]) for entry in results)
    cases = ElementTree.parse("junit.xml").findall(".//testcase")
    properties = [json.loads(p.get("value", "")) for case in cases for p in case.findall(".//property")]
    assert sum("explained_by" in entry for entry in properties) == GRU


@pytest.mark.parametrize("processes", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=str)
def test_two_tests_of_one_cell_are_diagnosed_separately(
    wrong_networks: pytest.Pytester, processes: tuple[str, ...]
) -> None:
    arguments = ("--tb=no", "-q", "--rnn-goldens-report=results.json", *processes)
    lines = wrong_networks.runpytest_inprocess("-k", "test_several", *arguments).stdout.str()
    output = " ".join(lines.split())
    for name, cause in (("gates", "lstm_gates_igfo"), ("coupled", "lstm_gates_coupled")):
        of = rf"lstm in test_networks.py::test_several\[{name}\]: \d+ of \d+ fail\."
        assert re.search(rf"{of} One known deviation matches every one, and no other does: {cause}: ", output)
    document = json.loads(Path("results.json").read_text("utf-8"))
    assert {cause["test"].partition("[")[2] for cause in document["causes"]} == {"gates]", "coupled]"}
    failed = [entry for entry in document["results"] if entry["outcome"] == "failed"]
    for entry in failed:
        right, other = ("lstm_gates_igfo", "lstm_gates_coupled")[:: 1 if "gates]" in entry["test"] else -1]
        assert entry["explained_by"][0] == right
        assert other not in entry["explained_by"]


def test_a_crash_on_most_goldens_has_no_deviation_as_its_cause(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        networks=NETWORKS,
        test_crash="""
        import networks, pytest
        @pytest.mark.rnn_goldens(ids=["lstm/plain", "lstm/one-step", "lstm/square"])
        def test_crash(rnn_golden):
            assert rnn_golden.id == "lstm/plain", "no memory"
            rnn_golden.check(*networks.gates(rnn_golden))
        """,
    )
    output = " ".join(pytester.runpytest_inprocess("-q", "--tb=no").stdout.str().split())
    assert "lstm: 1 of 1 fails. No cause is named: 2 others failed before outputs were compared." in output
    assert "lstm_gates_igfo: Reads" not in output


@pytest.mark.slow
def test_last_states_of_another_shape_do_not_prevent_the_diagnosis_of_out(wrong_networks: pytest.Pytester) -> None:
    arguments = ("--tb=no", "-q", "--rnn-goldens-report=results.json")
    output = wrong_networks.runpytest_inprocess("-k", "test_shape", *arguments).stdout.str()
    (cause,) = json.loads(Path("results.json").read_text("utf-8"))["causes"]
    assert cause["per_output"] == {"out": [["lstm_gates_igfo"]], "c_n": [["lstm_gates_igfo"]]}
    assert "only out and c_n match lstm_gates_igfo: Reads the rows" in output
    assert "h_n has the wrong shape" in output


@pytest.mark.slow
def test_an_implementation_with_other_outputs_in_each_call_is_reported_as_not_repeatable(
    wrong_networks: pytest.Pytester,
) -> None:
    selected = ("-k", "noisy or run_twice")
    result = wrong_networks.runpytest_inprocess(*selected, "-q", "--rnn-goldens-report=results.json")
    assert "  - not repeatable: a second call returns other values" in result.stdout.str()
    result.assert_outcomes(failed=NOISY, passed=1)
    (cause,) = json.loads(Path("results.json").read_text("utf-8"))["causes"]
    assert cause["facts"]["not_repeatable"] == {"value": True, "shown_by": 1}


@pytest.mark.slow
def test_an_error_in_the_second_call_does_not_change_the_message(wrong_networks: pytest.Pytester) -> None:
    output = wrong_networks.runpytest_inprocess("-k", "test_once", "-q", "--tb=short").stdout.str()
    assert "out is first wrong at" in output
    assert "called before" not in output
    assert "not repeatable" not in output


@pytest.mark.slow
def test_a_passing_run_prints_nothing_and_loads_no_deviation(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_right="""
        import sys, pytest
        from rnn_goldens.implementations import numpy_cells
        @pytest.mark.rnn_goldens(cell="gru")
        def test_right(rnn_golden): rnn_golden.check(*numpy_cells.run(rnn_golden))
        def test_nothing_loaded(): assert "rnn_goldens.deviations" not in sys.modules
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    assert "what is wrong" not in result.stdout.str()
