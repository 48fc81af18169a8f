"""An option, the ini file or a marker embeds goldens in larger sizes; every report shows it."""

import json
import sys
from typing import Any

import pytest

KERNELS = """
from dataclasses import replace
from rnn_goldens import Unsupported
from rnn_goldens.implementations import numpy_cells

def of_128(golden):
    if golden.config["d_k"] != 128:
        raise ValueError("this kernel takes heads of 128 only")
    return numpy_cells.run(golden)

def of_64_units(golden):
    if golden.config["hidden_size"] != 64:
        raise ValueError("this kernel takes 64 units only")
    return numpy_cells.run(golden)

def first_keys(golden):
    inputs = {name: array.copy() for name, array in golden.stored.inputs.items()}
    for name in ("q", "k"):
        inputs[name][..., 8:] = 0
    return numpy_cells.run(replace(golden, stored=replace(golden.stored, inputs=inputs)))

def first_units(golden):
    weights = {name: array.copy() for name, array in golden.stored.weights.items()}
    weights["weight_hh_l0"][:, 8:] = 0
    return numpy_cells.run(replace(golden, stored=replace(golden.stored, weights=weights)))
"""

CHECK = """
import pytest, kernels
MARK
def test_it(rnn_golden, rnn_implementation): rnn_golden.check_calls(rnn_implementation)
"""


@pytest.fixture
def kernels(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]")
    pytester.makepyfile(kernels=KERNELS, test_it=CHECK.replace("MARK\n", ""))
    return pytester


def run(kernels: pytest.Pytester, kernel: str, *options: str) -> tuple[pytest.RunResult, list[dict[str, Any]]]:
    report = "--rnn-goldens-report=results.json"
    result = kernels.runpytest_inprocess(f"--rnn-goldens-implementation=kernels:{kernel}", report, *options)
    file = kernels.path / "results.json"
    return result, json.loads(file.read_text("utf-8")).get("results", []) if file.exists() else []


@pytest.mark.parametrize("source", ["option", "ini", "marker", "marker with a list"])
def test_a_kernel_of_one_size_passes_every_golden_that_fits(
    kernels: pytest.Pytester, workers: tuple[str, ...], source: str
) -> None:
    sizes = "d_k=128,d_v=128,heads=4,batch=8"
    marker = {"marker": sizes, "marker with a list": sizes.split(",")}.get(source)
    kernels.makepyfile(test_it=CHECK.replace("MARK", f"@pytest.mark.rnn_goldens(embed={marker!r})" if marker else ""))
    kernels.makeini(f"[pytest]\nrnn_goldens_embed = {sizes}" if source == "ini" else "[pytest]")
    given = [f"--rnn-goldens-embed={sizes}"] if source == "option" else []
    asked = "gated-delta/several-steps,gated-delta/grouped-queries,gated-delta/packed,gated-delta/from-zero"
    result, entries = run(kernels, "of_128", f"--rnn-goldens-ids={asked}", *given, *workers)
    assert result.ret == 0
    assert {entry["golden"] for entry in entries if entry["outcome"] == "refused"} == {"gated-delta/packed"}
    passed = [entry for entry in entries if entry["outcome"] == "passed"]
    assert len(passed) == len(entries) - 1
    assert all(entry["embed"] == {"d_k": 128, "d_v": 128, "heads": 4, "batch": 8} for entry in passed)
    result.stdout.fnmatch_lines(["*rnn-goldens: larger sizes*", f"{len(passed)} goldens in larger sizes: *"])
    result.stdout.fnmatch_lines(["*rnn-goldens: what this run can detect*", "*128 keys, 128 values, 4 heads*"])


def test_a_golden_that_does_not_fit_is_refused_and_counted(kernels: pytest.Pytester) -> None:
    result, entries = run(
        kernels,
        "of_64_units",
        "--rnn-goldens-ids=gru/plain,gru/unbatched,sizes-gru/hidden-129",
        "--rnn-goldens-embed=hidden_size=64,batch=16",
    )
    assert result.ret == 0
    refused = {entry["golden"]: entry["reason"] for entry in entries if entry["outcome"] == "refused"}
    assert refused["sizes-gru/hidden-129"] == "hidden_size=64 is smaller than the golden's"
    assert refused["gru/unbatched"] == "an unbatched golden has no batch that could grow"
    assert {entry["outcome"] for entry in entries} == {"passed", "refused"}


def test_a_kernel_that_reads_only_the_first_keys_fails_with_the_places_in_its_message(
    kernels: pytest.Pytester,
) -> None:
    only = "--rnn-goldens-ids=gated-delta/several-steps"
    assert run(kernels, "first_keys", only)[0].ret == 0
    result, (entry,) = run(kernels, "first_keys", only, "--rnn-goldens-embed=d_k=128", "--junitxml=junit.xml")
    assert entry["outcome"] == "failed"
    result.stdout.fnmatch_lines(
        [
            "*gated-delta/several-steps in float32 with d_k=128: o is first wrong at *",
            "*the golden's own places: d_k 19, 64, 94 of 128",
        ]
    )
    assert "d_k&quot;: 128" in (kernels.path / "junit.xml").read_text("utf-8")


@pytest.mark.slow
def test_a_bug_beyond_a_size_is_named(kernels: pytest.Pytester) -> None:
    result, _ = run(
        kernels,
        "first_units",
        "--rnn-goldens-cell=lstm",
        "--rnn-goldens-features=state",
        "--rnn-goldens-without=multilayer,bidirectional,unbatched",
        "--rnn-goldens-embed=hidden_size=65",
    )
    result.stdout.fnmatch_lines(["*rnn-goldens: what is wrong*", "*state_product_beyond_8_dropped*"])


@pytest.mark.parametrize(
    ("embed", "text"),
    [
        ("d_j=128", "no size to embed in 'd_j'"),
        ("batch=0", "embed: batch=0 is not a size in which a golden can be embedded: give the size of your kernel"),
        ("hidden_size", "embed: 'hidden_size' is not a size, such as d_k=128 or hidden_size=64"),
        ("hidden_size=64,hidden_size=65", "embed: 'hidden_size=65' is given twice"),
        (
            "hiden_size=64",
            "'hiden_size'. Did you mean 'hidden_size'? Sizes that can grow: hidden_size, input_size, batch\n",
        ),
    ],
)
def test_a_wrong_size_is_one_error(kernels: pytest.Pytester, embed: str, text: str) -> None:
    result, _ = run(kernels, "of_64_units", "--rnn-goldens-cell=lstm", f"--rnn-goldens-embed={embed}")
    assert result.ret != 0
    assert text in result.stdout.str() + result.stderr.str()


def test_a_size_that_no_golden_of_the_run_has_is_named(kernels: pytest.Pytester) -> None:
    only = "--rnn-goldens-ids=gated-delta/several-steps"
    result, _ = run(kernels, "of_128", only, "--rnn-goldens-embed=d_k=128,hidden_size=64")
    result.stdout.fnmatch_lines(["1 golden in larger sizes: d_k=128", "hidden_size=64: no golden of this run *"])


OWN = """
import numpy as np
from rnn_goldens import RecurrenceScenario
from rnn_goldens.cells.recurrence_notation import recurrence

VERSION = "1.0.0"

@recurrence(inputs={"x": "d"}, states={"h": "d"}, outputs={"y": "d"})
def leaky(x, h):
    h = h / 2 + x
    return (h,), (h,)

SCENARIOS = [RecurrenceScenario(
    id="own/leaky", purpose="A leaky sum.", cell="own:leaky", config={"d": 2}, inputs={"x": np.ones((1, 2, 2))}
)]
"""


def test_a_run_of_a_custom_recurrence_says_why_it_was_not_embedded(kernels: pytest.Pytester) -> None:
    kernels.makepyfile(own=OWN)
    generate = (sys.executable, "-m", "rnn_goldens", "generate", "--scenarios", "own.py", "--into", "goldens")
    assert kernels.run(*generate).ret == 0
    options = ("--rnn-goldens-corpus=goldens", "--rnn-goldens-cell=own:leaky", "--rnn-goldens-embed=d=64")
    result, _ = run(kernels, "of_128", *options)
    result.stdout.fnmatch_lines(["d=64: no golden of this run was embedded in it; what custom cells and*"])


@pytest.mark.slow
def test_known_failures_name_the_sizes(kernels: pytest.Pytester) -> None:
    given = ("--rnn-goldens-ids=gated-delta/several-steps", "--rnn-goldens-known-failures=known.txt")
    embed = "--rnn-goldens-embed=d_k=128"
    assert run(kernels, "first_keys", *given, embed, "--rnn-goldens-update-known-failures")[0].ret == 1
    written = (kernels.path / "known.txt").read_text("utf-8")
    assert " embed=d_k=128  # not looked at yet" in written
    assert run(kernels, "first_keys", *given, embed)[0].ret == 0  # known
    assert run(kernels, "first_keys", *given)[0].ret == 0  # passes at its own size, for which the line is not
    for wrong, text in ((written.replace("=128", "=x"), "'d_k=x' is not a size"), (written.replace("d_k", "d"), "")):
        (kernels.path / "known.txt").write_text(wrong)
        result = run(kernels, "first_keys", *given, embed)[0]
        assert result.ret != 0
        assert text in result.stdout.str() + result.stderr.str()


@pytest.mark.slow
def test_an_update_in_larger_sizes_leaves_other_lines_alone(kernels: pytest.Pytester) -> None:
    known = kernels.path / "known.txt"
    known.write_text("gated-delta/*  # other sizes\ngated-delta/* embed=d_k=16  # these\n")
    given = ("--rnn-goldens-cell=gated_delta", "--rnn-goldens-known-failures=known.txt", "--rnn-goldens-embed=d_k=16")
    run(kernels, "first_keys", *given, "--rnn-goldens-update-known-failures")
    first, *others = known.read_text("utf-8").splitlines()
    assert first == "gated-delta/*  # other sizes"
    assert all(" embed=d_k=16" in line for line in others)


def test_a_setting_may_have_sizes_of_several_cells(kernels: pytest.Pytester) -> None:
    kernels.makepyfile(
        test_it="""
        import pytest
        from rnn_goldens.implementations import numpy_cells

        @pytest.mark.rnn_goldens(ids="lstm/plain")
        def test_lstm(rnn_golden):
            assert rnn_golden.config["hidden_size"] == 64
            rnn_golden.check(*numpy_cells.run(rnn_golden))

        @pytest.mark.rnn_goldens(ids="gated-delta/square")
        def test_rule(rnn_golden):
            assert rnn_golden.config["d_k"] == 128
            rnn_golden.check(*numpy_cells.run(rnn_golden))
        """
    )
    result = kernels.runpytest_inprocess("--rnn-goldens-embed=d_k=128,hidden_size=64")
    result.assert_outcomes(passed=2)


def test_a_test_cannot_embed_its_golden_unseen(kernels: pytest.Pytester) -> None:
    kernels.makepyfile(test_it="def test_it(rnn_golden): rnn_golden.embedded(hidden_size=64)")
    result = kernels.runpytest_inprocess("--rnn-goldens-ids=lstm/plain")
    result.stdout.fnmatch_lines(["*declare larger sizes by --rnn-goldens-embed=hidden_size=64 or *"])
