"""The selection of goldens for a test: by default, marker, option and ini file."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from plugin.conftest import FOUR

import rnn_goldens
from rnn_goldens import encoding
from rnn_goldens.corpus import find, open_corpus

Collect = Callable[..., dict[str, list[str]]]

VARIETY: dict[str, dict[str, Any]] = {
    "documented/single-sequence": {"cell": "rnn_relu", "features": ["exact"]},
    "documented/mini-batch": {"cell": "rnn_tanh", "features": ["state", "exact"]},
    "documented/mini-batch-ascending": {"cell": "lstm", "features": ["state", "long"], "precisions": ["float64"]},
    "documented/identity-w-hh": {"cell": "gru", "features": ["bidirectional"]},
}
SINGLE, TANH, LSTM, GRU = VARIETY


@pytest.fixture
def varied(project: pytest.Pytester, write_corpus: Callable[..., Path]) -> pytest.Pytester:
    """A project whose corpus is only an index of various cells and features: collecting does not open goldens."""
    folder = write_corpus("four-varied", lambda entry: entry.update(VARIETY[entry["id"]]))
    shutil.rmtree(folder / "documented")
    project.makeini("[pytest]\nrnn_goldens_corpus = four-varied")
    return project


def names(ids: list[str]) -> list[str]:
    return [parameters.rpartition("-")[0] for parameters in ids]


def test_the_shortest_test_passes_on_the_documented_goldens(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")  # the installed plugin needs no setup
    monkeypatch.delenv("PYTEST_ADDOPTS")
    project.makeini("")
    project.makepyfile(
        test_my_rnn="""
        from my_rnn import rnn as my_rnn

        def test_my_rnn(rnn_golden):
            out, h_n = my_rnn(rnn_golden.x, rnn_golden.h0, rnn_golden.weights)
            rnn_golden.check(out, h_n)
        """
    )
    result = project.runpytest_subprocess("-v", "-Werror", "-pno:asyncio", "-pno:cacheprovider", "-k", "documented")
    assert result.parseoutcomes()["passed"] == 4
    passed = [f"test_my_rnn.py::test_my_rnn[[]{golden}-float32[]] PASSED*" for golden in FOUR]
    result.stdout.fnmatch_lines(passed)


def test_a_test_receives_every_golden_of_the_newest_corpus_in_float32(
    project: pytest.Pytester, collect: Collect
) -> None:
    project.makeini("")
    project.makepyfile("def test_it(rnn_golden): ...")
    float32 = [f"{entry.id}-float32" for entry in open_corpus().select() if "float32" in entry.precisions]
    assert collect() == {"test_it": float32}


def test_a_marker_selects_by_id_cell_and_features(varied: pytest.Pytester, collect: Collect) -> None:
    varied.makepyfile(
        """
        import pytest
        goldens = pytest.mark.rnn_goldens

        @goldens(ids="documented/mini-batch")
        def test_exact_id(rnn_golden): ...
        @goldens(ids=["documented/identity-w-hh", "documented/single-sequence"])
        def test_ids(rnn_golden): ...
        @goldens(ids="*/mini-batch*", dtypes="float64")
        def test_pattern(rnn_golden): ...
        @goldens(cell="gru")
        def test_cell(rnn_golden): ...
        @goldens(cell=["gru", "rnn_tanh"])
        def test_cells(rnn_golden): ...
        @goldens(features="exact")
        def test_feature(rnn_golden): ...
        @goldens(features=["exact", "state"])
        def test_features_are_all_required(rnn_golden): ...
        @goldens(without="exact")
        def test_without(rnn_golden): ...
        @goldens(features="exact", without=["state", "long"])
        def test_without_any(rnn_golden): ...
        @goldens(ids="*/mini-batch*", cell=["rnn_tanh", "gru"])
        def test_arguments_combine(rnn_golden): ...
        """
    )
    assert {function: names(ids) for function, ids in collect().items()} == {
        "test_exact_id": [TANH],
        "test_ids": [SINGLE, GRU],  # in the order of the corpus, from simple to hard
        "test_pattern": [TANH, LSTM],
        "test_cell": [GRU],
        "test_cells": [TANH, GRU],
        "test_feature": [SINGLE, TANH],
        "test_features_are_all_required": [TANH],
        "test_without": [GRU],
        "test_without_any": [SINGLE],
        "test_arguments_combine": [TANH],
    }


def test_the_nearest_marker_takes_precedence_for_each_argument_and_each_precision_is_selected_once(
    varied: pytest.Pytester, collect: Collect
) -> None:
    varied.makepyfile(
        """
        import pytest
        goldens = pytest.mark.rnn_goldens
        pytestmark = goldens(cell="rnn_relu", dtypes="float64")

        def test_module(rnn_golden): ...

        @goldens(cell="gru")
        class TestIt:
            def test_class(self, rnn_golden): ...

            @goldens(cell="lstm")
            def test_function(self, rnn_golden): ...

        @goldens(cell=["rnn_tanh", "lstm"], dtypes=["bfloat16", "float64"])
        def test_two(rnn_golden): ...

        @goldens(cell="gru", dtypes=["float32", "float32"])
        def test_repeated(rnn_golden): ...
        """
    )
    assert collect() == {
        "test_module": [f"{SINGLE}-float64"],
        "test_class": [f"{GRU}-float64"],
        "test_function": [f"{LSTM}-float64"],
        "test_two": [f"{TANH}-bfloat16", f"{TANH}-float64", f"{LSTM}-float64"],
        "test_repeated": [f"{GRU}-float32"],
    }


def test_the_dtype_option_overrides_the_ini_file_and_a_marker_overrides_both(
    varied: pytest.Pytester, collect: Collect
) -> None:
    varied.makeini("[pytest]\nrnn_goldens_corpus = four-varied\nrnn_goldens_dtype = float16")
    varied.makepyfile(
        """
        import pytest

        @pytest.mark.rnn_goldens(cell="gru")
        def test_it(rnn_golden): ...
        @pytest.mark.rnn_goldens(cell="gru", dtypes="bfloat16")
        def test_marked(rnn_golden): ...
        """
    )
    assert collect() == {"test_it": [f"{GRU}-float16"], "test_marked": [f"{GRU}-bfloat16"]}
    assert collect("--rnn-goldens-dtype=float32, float64") == {
        "test_it": [f"{GRU}-float32", f"{GRU}-float64"],
        "test_marked": [f"{GRU}-bfloat16"],
    }


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        (["--rnn-goldens-cell=gru,rnn_tanh"], [TANH, GRU]),
        (["--rnn-goldens-features=state"], [TANH]),
        (["--rnn-goldens-without=state,bidirectional"], [SINGLE]),
        (["--rnn-goldens-cell=rnn_tanh, gru", "--rnn-goldens-without=bidirectional"], [TANH]),
    ],
)
def test_options_select_goldens_unless_a_marker_selects(
    varied: pytest.Pytester, collect: Collect, options: list[str], selected: list[str]
) -> None:
    varied.makepyfile(
        """
        import pytest

        def test_it(rnn_golden): ...
        @pytest.mark.rnn_goldens(cell="rnn_relu", features="exact", without="long")
        def test_marked(rnn_golden): ...
        """
    )
    collected = collect(*options)
    assert names(collected["test_it"]) == selected
    assert names(collected["test_marked"]) == [SINGLE]


def test_the_corpus_option_accepts_a_version_or_a_folder(
    varied: pytest.Pytester, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    varied.makepyfile("def test_it(rnn_golden): ...")
    varied.mkdir("v2")  # a version takes precedence, as for rnn_goldens.load
    builtin = open_corpus()
    assert names(collect("--rnn-goldens-corpus=v2")["test_it"]) == [
        entry.id for entry in builtin.select() if "float32" in entry.precisions
    ]
    monkeypatch.chdir(varied.mkdir("below"))
    assert names(collect("--rnn-goldens-corpus=../four", "..")["test_it"]) == list(VARIETY)


@pytest.mark.slow
def test_paths_in_the_ini_file_are_relative_to_the_file(
    project: pytest.Pytester, check_with: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_with("right")
    project.path.joinpath("known.txt").write_text("*/mini-batch*  # a reason\n", "utf-8")
    project.makeini(
        """
        [pytest]
        pythonpath = .
        rnn_goldens_corpus = four
        rnn_goldens_known_failures = known.txt
        rnn_goldens_report = results.json
        """
    )
    monkeypatch.chdir(project.mkdir("below"))
    assert project.runpytest_subprocess("-pxdist", "-n2", "..").parseoutcomes() == {"passed": 2, "failed": 2}
    assert (project.path / "results.json").is_file()


def test_options_and_the_marker_are_in_the_help_of_pytest(pytester: pytest.Pytester) -> None:
    options = ("dtype", "corpus", "implementation", "known-failures", "report")
    pytester.runpytest_inprocess("--help").stdout.fnmatch_lines_random([f"*--rnn-goldens-{name}*" for name in options])
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.rnn_goldens(ids=..., cell=..., features=..., without=..., dtypes=..., corpus=..., calls=*): *"]
    )


CUSTOM = """
    import pytest

    def test_settings(rnn_golden):
        rnn_golden.check(rnn_golden.out.copy(), rnn_golden.h_n.copy())

    @pytest.mark.rnn_goldens(corpus="../goldens", ids="mine/*")
    def test_marker(rnn_golden):
        rnn_golden.check(rnn_golden.out.copy(), 2 * rnn_golden.h_n)
"""


@pytest.fixture
def custom_goldens(project: pytest.Pytester) -> pytest.Pytester:
    """A folder of custom goldens beside the tests, and a test that selects it."""
    golden = rnn_goldens.load("documented/mini-batch", dtype="float64")
    goldens = project.path / "goldens"
    index = json.loads((find() / "index.json").read_text("utf-8"))
    (entry,) = [entry for entry in index["goldens"] if entry["id"] == golden.id]
    entry["id"] = "mine/batch"
    for suffix, content in encoding.encode(replace(golden, id="mine/batch")).items():
        path = goldens / f"mine/batch{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        entry["files"][suffix[1:]] = {"path": f"mine/batch{suffix}", "sha256": sha256(content).hexdigest()}
    (goldens / "index.json").write_text(json.dumps(index | {"corpus": "mine", "goldens": [entry]}), "utf-8")
    project.mkdir("tests").joinpath("test_own.py").write_text(dedent(CUSTOM), "utf-8")
    return project


@pytest.mark.slow
def test_a_marker_may_name_other_corpora(custom_goldens: pytest.Pytester, workers: tuple[str, ...]) -> None:
    result = custom_goldens.runpytest_inprocess("tests", "--rnn-goldens-report=found.json", "-q", *workers)
    assert result.parseoutcomes() == {"passed": 4, "failed": 1}
    document = json.loads(custom_goldens.path.joinpath("found.json").read_text("utf-8"))
    (entry,) = [entry for entry in document["results"] if entry["golden"] == "mine/batch"]
    assert (entry["outcome"], entry["corpus"]) == ("failed", str(custom_goldens.path / "goldens"))
    assert document["causes"]
    page = custom_goldens.runpytest_inprocess("tests", "--rnn-goldens-report=found.html", "-q", *workers)
    assert page.parseoutcomes() == {"passed": 4, "failed": 1}


@pytest.mark.slow
def test_an_updated_list_is_valid_for_the_next_run(custom_goldens: pytest.Pytester) -> None:
    options = "tests", "--rnn-goldens-known-failures=known.txt", "-q"
    result = custom_goldens.runpytest_inprocess(*options, "--rnn-goldens-update-known-failures")
    result.stdout.fnmatch_lines(
        ["  mine/batch in float32 is in a corpus that a marker names; the list covers the corpora of the settings"]
    )
    assert custom_goldens.runpytest_inprocess(*options).parseoutcomes() == {"passed": 4, "failed": 1}


def test_corpora_that_share_an_id_and_a_missing_corpus_are_errors(custom_goldens: pytest.Pytester) -> None:
    path = custom_goldens.path / "tests" / "test_own.py"
    path.write_text(path.read_text("utf-8").replace('corpus="../goldens", ids="mine/*"', 'corpus="v2"'), "utf-8")
    output = custom_goldens.runpytest_inprocess("tests").stdout.str()
    assert "documented/single-sequence is in" in output
    path.write_text(path.read_text("utf-8").replace('corpus="v2"', 'corpus="../golden"'), "utf-8")
    output = custom_goldens.runpytest_inprocess("tests").stdout.str()
    assert "/golden'. Corpora (or a folder with an index.json): " in output
