"""A run ends with the number of known deviations that it can detect, for each cell."""

import json
import re
import shutil
import sys
from importlib.util import find_spec

import pytest

from rnn_goldens.corpus import find
from rnn_goldens.corpus.detectable_deviations import BEYOND

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="the tests use networks in torch")

TITLE = "rnn-goldens: what this run can detect"

NETWORK = """
import torch
from rnn_goldens import Unsupported

def refusing(*features):
    def run(golden):
        for feature in features:
            if feature in golden.features:
                raise Unsupported(f"no {feature}")
        config = {**golden.config, "batch_first": True}
        layer = torch.nn.LSTM(**config)
        layer.load_state_dict({name: torch.tensor(array) for name, array in golden.weights.items()})
        state = golden.initial_state
        return layer(torch.tensor(golden.x), None if state is None else tuple(map(torch.tensor, state)))
    return run

def one_layer(golden):
    return refusing("multilayer", "bidirectional", "lengths", "state")(golden)
"""

SOME = "ids=['lstm/plain', 'lstm/one-step', 'lstm/two-layers', 'lstm/one-step-with-state']"


@pytest.fixture
def lstm(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with an LSTM and the corpus of the package."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p rnn_goldens -p no:cacheprovider -W ignore")
    pytester.makepyfile(nets=NETWORK)
    return pytester


def lines(result: pytest.RunResult) -> list[str]:
    """Return the lines of the section on coverage that a run prints, except the one that is always the same."""
    text = result.stdout.str()
    if TITLE not in text:
        return []
    section = text.split(TITLE)[1].split("\n", 1)[1]
    printed = re.split(r"\n(?:=|\n)", section)[0].splitlines()
    printed.remove(BEYOND)
    return printed


def as_one(printed: list[str]) -> str:
    """Join wrapped lines."""
    return re.sub(r"\s+", " ", " ".join(printed)).strip()


@pytest.mark.slow
def test_a_run_ends_with_what_it_can_detect(lstm: pytest.Pytester, workers: tuple[str, ...]) -> None:
    lstm.makepyfile(f"""
        import pytest, nets
        @pytest.mark.rnn_goldens({SOME})
        def test_it(rnn_golden): rnn_golden.check(nets.one_layer(rnn_golden))
    """)
    result = lstm.runpytest_inprocess(*workers)
    assert result.parseoutcomes() == {"passed": 2, "refused": 2}
    printed = lines(result)
    assert all(len(line) <= 80 for line in printed)
    (line,) = re.findall(r"^lstm, float32: 2 goldens; (.*)", as_one(printed))
    assert re.match(
        r"\d+ of \d+ known deviations can be detected, up to 4 inputs, 3 units, 1 layer, 2 rows and 4 steps\. "
        r"\d+ goldens of the same kind were not selected; they can detect \d+ more\. "
        r"To detect more: accept [a-z ]+ \(\d+ more\), [a-z ]+ \(\d+ more\)(, and more together)?\. "
        r"Not covered by this run: [a-z ]+ \(\d+ more\), .*\.$",
        line,
    )


@pytest.mark.slow
def test_coverage_is_printed_per_test_and_apart_for_gradients(lstm: pytest.Pytester) -> None:
    lstm.makepyfile(
        test_it="""
        import pytest, nets, rnn_goldens
        @pytest.mark.rnn_goldens(cell="lstm", features="core", without="lengths")
        def test_core(rnn_golden): rnn_golden.check(nets.refusing()(rnn_golden))
        @pytest.mark.rnn_goldens(ids="lstm/plain")
        def test_one(rnn_golden): rnn_golden.check(nets.refusing()(rnn_golden))
        @pytest.mark.rnn_goldens(ids="lstm/plain", gradients=True)
        def test_backward(rnn_golden):
            right = rnn_goldens.load(rnn_golden.id, dtype="float32", gradients=True).gradients.expected
            rnn_golden.check_gradients({name: array.copy() for name, array in right.items()})
    """
    )
    output = as_one(lines(lstm.runpytest_inprocess()))
    in_core, in_one = re.findall(r"lstm in test_it\.py::(\w+, float32: \d+ goldens?; \d+ of \d+)", output)
    assert in_core.startswith("test_core, ")
    assert in_one.startswith("test_one, float32: 1 golden; ")
    assert "lstm gradients, float32: 1 golden; " in output
    assert "Not covered by this run: lengths (" in output
    assert "accept" not in output


@pytest.mark.slow
def test_deselected_goldens_of_the_same_kind_are_counted(lstm: pytest.Pytester) -> None:
    lstm.makepyfile("""
        import pytest, nets
        some = dict(features="bias", without=["multilayer", "bidirectional", "lengths", "unbatched"])
        @pytest.mark.rnn_goldens(cell="lstm", **some)
        def test_it(rnn_golden): rnn_golden.check(nets.refusing()(rnn_golden))
    """)
    all_goldens, some = (as_one(lines(lstm.runpytest_inprocess(*of))) for of in ((), ("-k", "one")))
    assert "were not selected" not in all_goldens
    (left_out,) = re.findall(r"(\d+) goldens of the same kind were not selected; they can detect \d+ more\.", some)
    ran, of_all = (int(re.findall(r": (\d+) goldens; ", text)[0]) for text in (some, all_goldens))
    assert int(left_out) == of_all - ran  # without goldens that can be checked only in float64


def test_only_corpora_with_a_kill_matrix_are_counted(project: pytest.Pytester) -> None:
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check(my_rnn.right(rnn_golden))")
    assert lines(project.runpytest_inprocess()) == []
    shutil.copy(find() / "kill-matrix.json", project.path / "four")
    (printed, *more) = lines(project.runpytest_inprocess())
    assert printed.startswith("rnn_relu, float32: 4 goldens; all ")
    assert more == ["  inputs, 2 units, 1 layer, 2 rows and 3 steps."]
    (project.path / "four" / "kill-matrix.json").write_text("{}", "utf-8")
    assert lines(project.runpytest_inprocess()) == []


def test_a_run_without_comparisons_prints_no_coverage(project: pytest.Pytester) -> None:
    shutil.copy(find() / "kill-matrix.json", project.path / "four")
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check(my_rnn.refuses(rnn_golden))")
    assert lines(project.runpytest_inprocess()) == []


def checked(lstm: pytest.Pytester, *arguments: str) -> str:
    """Return the section on coverage that ``rnn-goldens check`` prints."""
    return as_one(lines(lstm.run(sys.executable, "-m", "rnn_goldens", "check", *arguments)))


@pytest.mark.slow
def test_check_prints_the_coverage_and_suggests_no_option_without_refusals(lstm: pytest.Pytester) -> None:
    output = checked(lstm, "torch", "--ids", "gru/plain")
    assert output.startswith("gru, float32: 1 golden; ")
    assert "To detect more" not in output
    assert re.search(r" Not covered by this run: several layers \(\d+ more\), .*, and more together\.$", output)


@pytest.mark.slow
def test_each_precision_has_its_count(lstm: pytest.Pytester, workers: tuple[str, ...]) -> None:
    lstm.makepyfile("""
        import pytest, nets
        @pytest.mark.rnn_goldens(ids=["lstm/plain", "lstm/one-step"], dtypes=["bfloat16", "float32"])
        def test_it(rnn_golden): rnn_golden.check(nets.one_layer(rnn_golden.in_precision("float32")))
    """)
    output = as_one(lines(lstm.runpytest_inprocess(*workers)))
    counts = r"lstm: 2 goldens; (\d+) of (\d+) known deviations can be detected in float32, (\d+) of (\d+) in bfloat16,"
    shown, total, shown_in_16, total_in_16 = map(int, re.findall(counts, output)[0])
    assert (shown, total) > (shown_in_16, total_in_16)
    assert output.count("Not covered by this run") == 1


@pytest.mark.slow
def test_an_implementation_that_returns_only_out_is_advised_to_return_states_for_gradients(
    lstm: pytest.Pytester,
) -> None:
    lstm.makepyfile(
        alone="""
        import torch
        class OnlyOut(torch.nn.Module):
            def __init__(self, input_size, hidden_size):
                super().__init__()
                self.rnn = torch.nn.LSTM(input_size, hidden_size, batch_first=True)
            def forward(self, x): return self.rnn(x)[0]
    """
    )
    output = checked(lstm, "alone:OnlyOut", "--cell", "lstm", "--rnn-goldens-gradients")
    assert re.search(r" To detect more: return the last states \(\d+ more\)\.", output)
    assert "accept" not in output
    assert "were not selected" not in output


def test_coverage_is_printed_for_each_corpus_with_a_kill_matrix(project: pytest.Pytester) -> None:
    shutil.copytree(project.path / "four", project.path / "more")
    for folder, keep in (("four", slice(0, 3)), ("more", slice(3, 4))):
        index = project.path / folder / "index.json"
        document = json.loads(index.read_text("utf-8"))
        document["goldens"] = document["goldens"][keep]
        index.write_text(json.dumps(document), "utf-8")
    project.makeini("[pytest]\nrnn_goldens_corpus = four,more")
    shutil.copy(find() / "kill-matrix.json", project.path / "four")
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check(my_rnn.right(rnn_golden))")
    (printed, *more) = lines(project.runpytest_inprocess())
    assert printed.startswith("rnn_relu, float32: 3 goldens of corpus four; all ")
    assert not [line for line in more if line and not line.startswith("  ")]  # only continuation lines
