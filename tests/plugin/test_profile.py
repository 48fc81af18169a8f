"""An option, the ini file or a marker declares a profile; every report shows it."""

import json
from functools import partial

import pytest

from rnn_goldens.corpus import open_corpora
from rnn_goldens.golden_result import Result, own_reason
from rnn_goldens.plugin.run_coverage import _loading

NETS = """
import numpy as np
from rnn_goldens.cells import Network, case_of

class RoundedOperands(Network):
    def product(self, v, matrix):
        return super().product(np.float32(np.float16(v)), np.float32(np.float16(matrix)))

def tf32(golden):
    out, *states = RoundedOperands().run(case_of(golden, np.float32))
    return out, tuple(states)
"""


@pytest.fixture
def nets(project: pytest.Pytester) -> pytest.Pytester:
    project.makepyfile(nets=NETS)
    project.makeini("[pytest]\nrnn_goldens_ids = lstm/two-layers")
    return project


CHECK = "import nets\ndef test_it(rnn_golden): rnn_golden.check(*nets.tf32(rnn_golden))"


@pytest.mark.parametrize("source", ["option", "ini", "marker", "marker with a list"])
def test_a_declared_profile_is_applied_and_shown(nets: pytest.Pytester, workers: tuple[str, ...], source: str) -> None:
    if source == "ini":
        nets.makeini("[pytest]\nrnn_goldens_ids = lstm/two-layers\nrnn_goldens_profile = tf32")
    marker = {"marker": "tf32", "marker with a list": ["tf32", "step"]}.get(source)
    lines = [f"@pytest.mark.rnn_goldens(profile={marker!r})"] if marker else []
    nets.makepyfile("\n".join(["import pytest, nets", *lines, *CHECK.splitlines()[1:]]))
    options = ["--rnn-goldens-profile=tf32"] if source == "option" else []
    result = nets.runpytest_inprocess("--rnn-goldens-report=results.json", *options, *workers)
    result.assert_outcomes(passed=1)
    (entry,) = json.loads((nets.path / "results.json").read_text("utf-8"))["results"]
    assert entry["profile"] == (["tf32", "step"] if source == "marker with a list" else ["tf32"])
    result.stdout.fnmatch_lines(
        ["*rnn-goldens: profile*", f"1 golden by the profile {','.join(entry['profile'])} (tf32: *"]
    )
    result.stdout.fnmatch_lines([f"profile {','.join(entry['profile'])}: 1 golden may detect fewer deviations*"])


def test_without_a_profile_nothing_is_shown_and_a_test_cannot_loosen_its_tolerance(nets: pytest.Pytester) -> None:
    loosened = "def test_own(rnn_golden): rnn_golden.in_profile('tf32').check(*nets.tf32(rnn_golden))"
    nets.makepyfile(f"{CHECK}\n{loosened}")
    result = nets.runpytest_inprocess("--rnn-goldens-report=results.json")
    result.assert_outcomes(failed=2)
    result.stdout.no_fnmatch_line("*rnn-goldens: profile*")
    result.stdout.fnmatch_lines(["*declare a profile by --rnn-goldens-profile=tf32 or *"])
    entries = json.loads((nets.path / "results.json").read_text("utf-8"))["results"]
    assert not [entry for entry in entries if "profile" in entry]


@pytest.mark.slow
def test_the_marker_overrides_the_option(nets: pytest.Pytester) -> None:
    nets.makepyfile(f"import pytest\npytestmark = pytest.mark.rnn_goldens(profile='ieee')\n{CHECK}")
    nets.runpytest_inprocess("--rnn-goldens-profile=tf32").assert_outcomes(failed=1)


@pytest.mark.slow
def test_a_failure_names_the_profile_and_its_cause(nets: pytest.Pytester) -> None:
    nets.makepyfile("""
        import nets, numpy as np
        from rnn_goldens.deviations import deviation
        from rnn_goldens.cells import case_of
        def test_it(rnn_golden):
            rnn_golden.check(deviation("lstm_gates_igfo").outputs(case_of(rnn_golden, np.float32)))
    """)
    result = nets.runpytest_inprocess("--rnn-goldens-profile=wgsl", "--rnn-goldens-report=results.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*lstm/two-layers in float32 by the profile wgsl, like lstm_gates_igfo: out*", "*  lstm_gates_igfo: *"]
    )
    document = json.loads((nets.path / "results.json").read_text("utf-8"))
    assert document["results"][0]["reason"].startswith("lstm/two-layers in float32 by the profile wgsl, ")
    assert [cause["certainty"] for cause in document["causes"]] == ["explained"]


def test_the_diagnosis_of_a_run_loads_goldens_under_their_profile() -> None:
    entry: Result = {"golden": "lstm/two-layers", "dtype": "float32", "test": "", "outcome": "passed"}
    load = _loading(open_corpora(None), (), [{**entry, "profile": ["tf32"]}])
    profiles = [
        golden and str(golden.profile) for golden in map(partial(load, "lstm/two-layers"), ("float32", "float64"))
    ]
    assert profiles == ["tf32", "ieee"]


def test_the_page_shows_the_profile_and_repeats_it_in_commands(nets: pytest.Pytester) -> None:
    nets.makepyfile("def test_it(rnn_golden): rnn_golden.check(*(0 * array for array in rnn_golden.expected.values()))")
    nets.runpytest_inprocess("--rnn-goldens-profile=tf32", "--rnn-goldens-report=page.html")
    page = (nets.path / "page.html").read_text("utf-8")
    assert "<p>1 golden by the profile tf32 (tf32: operands of products are rounded to 11 bits" in page
    assert "--rnn-goldens-profile=tf32" in page


def test_the_reason_of_a_failure_does_not_repeat_the_profile() -> None:
    result: Result = {"golden": "lstm/plain", "dtype": "float32", "test": "", "outcome": "failed", "profile": ["tf32"]}
    result["reason"] = "lstm/plain in float32 by the profile tf32: out is wrong"
    assert own_reason(result) == "out is wrong"


def test_a_recurrence_is_refused_under_another_arithmetic_and_not_counted(nets: pytest.Pytester) -> None:
    nets.makepyfile(CHECK)
    options = "--rnn-goldens-profile=tf32", "--rnn-goldens-ids=gated-delta/full-numbers,lstm/two-layers"
    result = nets.runpytest_inprocess(*options)
    result.stdout.fnmatch_lines(["*1 *by the profile tf32: g has more than 11 *", "*1 passed, 1 refused*"])
    result.stdout.fnmatch_lines(["1 golden by the profile tf32 (*"])


def test_another_precision_of_the_fixture_keeps_the_profile(nets: pytest.Pytester) -> None:
    nets.makepyfile("""
        import nets
        def test_it(rnn_golden):
            assert str(rnn_golden.in_precision("float16").in_precision("float32").profile) == "tf32"
            rnn_golden.in_precision("float16").in_precision("float32").check(*nets.tf32(rnn_golden))
    """)
    nets.runpytest_inprocess("--rnn-goldens-profile=tf32").assert_outcomes(passed=1)
