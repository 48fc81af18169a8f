"""The strategy draws correct goldens within bounds, and failing goldens shrink."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import FailedHealthCheck, Unsatisfiable
from hypothesis.strategies import DataObject, SearchStrategy, data

from rnn_goldens import Golden, RnnGoldensError, UnknownName
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation
from rnn_goldens.errors import WrongUse
from rnn_goldens.fuzz.bounds import Sizes, bounds
from rnn_goldens.fuzz.drawn_inputs import TABLE, draw_inputs, gentler
from rnn_goldens.fuzz.example_store import keep
from rnn_goldens.fuzz.strategy import certified
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.hypothesis import goldens
from rnn_goldens.implementations import resolve


def drawn(strategy: SearchStrategy[Golden], examples: int = 40) -> list[Golden]:
    """Return the goldens that a strategy draws with a fixed seed."""
    found: list[Golden] = []

    @seed(0)
    @settings(max_examples=examples, database=None, phases=[Phase.generate])
    @given(strategy)
    def draw(golden: Golden) -> None:
        found.append(golden)

    draw()
    return found


def smallest(strategy: SearchStrategy[Golden], name: str) -> Golden:
    """Return the smallest golden, found by Hypothesis, on which a deviation fails."""
    failed: list[Golden] = []

    @seed(0)
    @settings(database=None, phases=[Phase.generate, Phase.shrink], print_blob=False)
    @given(strategy)
    def check(golden: Golden) -> None:
        try:
            golden.check(deviation(name).outputs(case_of(golden, np.float64)))
        except AssertionError:
            failed.append(golden)
            raise

    with pytest.raises(AssertionError):
        check()
    return failed[-1]


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_drawn_goldens_are_correct(precision: str) -> None:
    for golden in drawn(goldens(precisions=precision)):
        assert golden.dtype == precision
        assert golden.out.any()
        verdict = golden.compare(*resolve("numpy")(golden))
        assert verdict.passed, verdict.message


@pytest.mark.slow
def test_drawn_goldens_cover_all_cells_all_features_and_unusual_sizes() -> None:
    found = drawn(goldens(), 150)
    assert len({golden.id for golden in found}) > 100
    assert {golden.cell for golden in found} == set(CELLS)
    features = set().union(*(golden.features for golden in found))
    assert {"bias", "state", "multilayer", "bidirectional", "lengths", "unbatched", "saturated", "exact"} <= features
    large = [max(*golden.x.shape, golden.network.hidden_size) for golden in found]
    assert max(large) > 32
    assert sorted(large)[len(large) // 2] < 8
    assert any(golden.network.num_layers > 1 and golden.network.hidden_size > 4 for golden in found)


def test_drawn_goldens_are_within_the_bounds() -> None:
    strategy = goldens(
        cell=["lstm", "gru"],
        max_layers=2,
        max_time=3,
        max_batch=2,
        max_hidden=2,
        max_input=1,
        features="lengths",
        bidirectional=True,
        bias=False,
    )
    for golden in drawn(strategy):
        batch, time, inputs = golden.x.shape
        assert golden.cell in ("lstm", "gru")
        assert golden.network.num_layers <= 2
        assert (time, inputs) in ((2, 1), (3, 1))
        assert batch <= 2
        assert golden.network.hidden_size <= 2
        assert {"lengths", "bidirectional"} <= set(golden.features)
        assert "bias" not in golden.features


def test_each_golden_is_in_one_of_the_requested_precisions() -> None:
    assert {golden.dtype for golden in drawn(goldens(precisions=[np.float64, "bfloat16"]))} == {"float64", "bfloat16"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "name", "sizes"),
    [
        ("lstm", "lstm_gates_iofg", (1, 1, 1, 1, 1)),
        ("gru", "w_hh_transposed", (1, 1, 2, 2, 1)),
        ("rnn_tanh", "lengths_ignored", (1, 1, 2, 1, 1)),
        ("gru", "h0_of_wrong_direction", (1, 2, 1, 1, 1)),
        ("lstm", "upper_layers_see_x", (2, 1, 1, 1, 1)),
    ],
)
def test_a_failing_golden_shrinks_to_a_minimal_size(cell: str, name: str, sizes: tuple[int, ...]) -> None:
    golden = smallest(goldens(cell=cell, found=None), name)
    config, (time, inputs) = golden.network, golden.x.shape[-2:]
    shrunk = (config.num_layers, config.num_directions, time, config.hidden_size, inputs)
    assert all(size <= most for size, most in zip(shrunk, sizes, strict=True)), shrunk


def test_numbers_shrink_to_zeros_and_ones() -> None:
    golden = smallest(goldens(cell="lstm", found=None), "lstm_gates_iofg")
    numbers = np.concatenate([array.ravel() for array in (golden.x, *golden.weights.values())])
    assert np.count_nonzero(numbers) <= 4
    assert set(np.abs(numbers)) <= {0.0, 1.0}


def test_simpler_numbers_come_first() -> None:
    assert TABLE[:3] == (0, 1, -1)
    assert {abs(number) for number in TABLE[3:11]} == {2, 0.5, 0.25, 0.125}


@pytest.mark.slow
def test_a_golden_too_sensitive_for_a_precision_is_scaled_down_instead_of_rejected() -> None:
    rescued: list[bool] = []

    @seed(0)
    @settings(max_examples=60, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(data())
    def draw(source: DataObject) -> None:
        inputs, precision = draw_inputs(source.draw, bounds("rnn_relu", Sizes(), "multilayer", (), "bfloat16"))
        first, gentle = (certified(one.scenario(), precision) for one in (inputs, gentler(inputs)))
        rescued.append(first is None and gentle is not None)

    draw()
    assert any(rescued)


@pytest.fixture
def custom_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of custom cells, under a name that no other test imports."""
    name = f"custom_cells_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(CUSTOM_CELLS, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


CUSTOM_CELLS = """
from rnn_goldens.cells.notation import declare, mix, rsqrt, sigmoid, tanh

def Peeping_Unit(x, h, w):
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf + w.peephole * h)
    return (mix(f, tanh(w.W_in @ x + w.b_in + w.W_hn @ h + w.b_hn), h),)

def never_a_number(x, h, w):
    return (tanh(w.W_in @ x) * rsqrt(h - h),)

def misspelled(x, h, w):
    return (gelu(w.W_in @ x),)

def residual(x, h, w):
    return (tanh(w.W_in @ x + w.W_hn @ h) + x,)

@declare(R="PH")
def projected(x, h, n, w):
    n = n + tanh(w.W_in @ x + w.W_hn @ h)
    return w.R @ n, n
"""


def test_goldens_of_a_custom_cell_are_drawn_and_correct(custom_cells: str) -> None:
    found = drawn(goldens(cell=f"{custom_cells}:Peeping_Unit"), 25)
    assert len(found) == 25
    for golden in found:
        assert golden.id.startswith("drawn/peeping-unit-")
        assert "peephole_l0" in golden.weights
        golden.check(*resolve("numpy")(golden))


def test_a_custom_cell_with_a_projection_and_a_further_state_is_drawn(custom_cells: str) -> None:
    for golden in drawn(goldens(cell=f"{custom_cells}:projected", state=True), 5):
        assert golden.h0.shape[-1] == golden.network.proj_size == 1 + golden.states["n0"].shape[-1] // 2
        golden.check(*resolve("numpy")(golden))


def test_a_custom_cell_that_supports_some_sizes_is_drawn_in_these_sizes(custom_cells: str) -> None:
    within = goldens(cell=f"{custom_cells}:residual", max_layers=1, max_hidden=2, max_input=2, bidirectional=False)
    assert all(golden.network.input_size == golden.network.hidden_size for golden in drawn(within, 10))


@pytest.mark.slow
def test_goldens_without_finite_outputs_are_not_drawn(custom_cells: str) -> None:
    with pytest.raises((FailedHealthCheck, Unsatisfiable)):
        drawn(goldens(cell=f"{custom_cells}:never_a_number", found=None))


def test_an_invalid_custom_cell_is_one_error(custom_cells: str) -> None:
    for cell, message in (
        (f"{custom_cells}:misspelled", "line 12: NameError: name 'gelu'"),
        (f"{custom_cells}:none", "has no 'none'"),
        (f"{custom_cells}_not_there:lstm", "no module"),
    ):
        with pytest.raises(WrongUse, match=message):
            goldens(cell=cell)


@for_each(
    [
        ({"max_time": 0}, RnnGoldensError, "max_time is 0: it must be at least 1"),
        ({"max_hidden": -1}, RnnGoldensError, "max_hidden is -1"),
        ({"lengths": True, "max_time": 1}, RnnGoldensError, "max_time is 1, but lengths is required"),
        ({"features": "multilayer", "max_layers": 1}, RnnGoldensError, "max_layers is 1, but multilayer is required"),
        ({"lengths": True, "features": "unbatched"}, RnnGoldensError, "an unbatched golden cannot have lengths"),
        ({"bias": True, "without": "bias"}, RnnGoldensError, "bias is both required and excluded"),
        ({"cell": "gated_delta"}, RnnGoldensError, "gated_delta is a recurrence, and only networks are drawn"),
        ({"cell": "lstm_int8_tflm"}, RnnGoldensError, "lstm_int8_tflm is an integer LSTM, and only networks are drawn"),
        ({"cell": []}, RnnGoldensError, "nothing can be drawn: no cell or no precision is selected"),
        ({"precisions": []}, RnnGoldensError, "nothing can be drawn: no cell or no precision is selected"),
        ({"cell": "lsmt"}, UnknownName, "no cell 'lsmt'. Did you mean 'lstm'"),
        ({"precisions": "float8"}, UnknownName, "no precision 'float8'"),
        ({"features": "saturated"}, UnknownName, "no feature 'saturated'.* bias, state, multilayer"),
        ({"without": ["lenghts"]}, UnknownName, ".*Did you mean 'lengths'"),
        ({"max_time": 2.5}, TypeError, "max_time must be an integer, not 2.5"),
        ({"max_layers": True}, TypeError, "max_layers must be an integer, not True"),
        ({"max_layers": None}, TypeError, "max_layers must be an integer, not None"),
        ({"cell": 3}, TypeError, "cell takes a name or a list of names, not 3"),
        ({"features": 3}, TypeError, "features takes a name or a list of names, not 3"),
        ({"features": None}, TypeError, "features takes a name or a list of names, not None"),
        ({"without": [1]}, TypeError, "without takes a name"),
        ({"bias": 0}, TypeError, "bias must be True, False or None, not 0"),
        ({"lengths": "yes"}, TypeError, "lengths must be True, False or None, not 'yes'"),
        ({"precisions": None}, TypeError, "precisions takes one or several of float64, float32, .*, not None"),
        ({"precisions": [None]}, TypeError, r"precisions takes one or several of .*, not \[None\]"),
        ({"found": 3}, TypeError, "found must be a folder, or None to store nothing, not 3"),
    ]
)
def test_a_wrong_argument_is_an_error_before_drawing(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=f"^{message}"):
        goldens(**arguments)


@pytest.mark.parametrize("several", [{"float64", "float32"}, iter(["float64", "float32"]), np.array(["float64"] * 2)])
def test_precisions_can_be_any_iterable(several: object) -> None:
    assert "float64" in bounds("lstm", Sizes(), (), (), several).precisions


def test_numpy_integers_and_booleans_are_accepted() -> None:
    within: dict[str, Any] = {"max_time": np.int64(3), "bias": np.False_, "state": np.True_}
    for golden in drawn(goldens(cell="lstm", found=None, **within), 10):
        assert golden.x.shape[1 if golden.batch_shape else 0] <= 3
        assert "bias" not in golden.features
        assert "state" in golden.features


def test_stored_goldens_are_drawn_first_and_once(tmp_path: Path) -> None:
    before = drawn(goldens(cell="lstm", found=None), 10)[-3:]
    for golden in before:
        keep(golden, tmp_path / "found")
    again = [golden.id for golden in drawn(goldens(cell="lstm", found=tmp_path / "found"))]
    assert again[0] == before[0].id
    assert all(again.count(golden.id) == 1 for golden in before)
    assert len(set(again)) > 20
    of_gru = [golden.id for golden in drawn(goldens(cell="gru", found=tmp_path / "found"), 10)]
    assert not {golden.id for golden in before} & set(of_gru)


FAILING = """
import numpy as np
from hypothesis import given, settings
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation
from rnn_goldens.hypothesis import goldens

@settings(database=None, deadline=None)
@given(goldens(cell="lstm"{more}))
def test_my_lstm(golden):
    golden.check(deviation("{name}").outputs(case_of(golden, np.float64)))
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A function that runs pytest as a user does, with the plugin of Hypothesis, and returns the output."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(name: str, more: str = "", *arguments: str) -> str:
        pytester.makepyfile(test_it=FAILING.format(name=name, more=more))
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments).stdout.str()

    return run


@pytest.mark.slow
def test_a_failing_example_is_stored_and_tried_first_by_the_next_run(
    run: Callable[..., str], pytester: pytest.Pytester
) -> None:
    small = ", max_layers=1, max_time=3, max_batch=2, max_hidden=2, max_input=2"
    printed = run("lstm_gates_iofg", small)
    (name,) = [path.stem for path in (pytester.path / ".rnn-goldens/found/drawn").glob("*.json")]
    assert f"golden=<Golden drawn/{name} in float32: lstm, x (1, 1" in printed
    assert f"rnn-goldens check package.module:function --rnn-goldens-corpus=.rnn-goldens/found -k {name}" in printed
    assert f"to see the golden: rnn-goldens show drawn/{name} --corpus .rnn-goldens/found" in printed
    again = run("lstm_gates_iofg", small, "--hypothesis-show-statistics")
    assert f"golden=<Golden drawn/{name} in float32" in again
    assert re.search("0 passing.*, 1 failing.*, (and )?0 invalid", again)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["file", "another corpus"])
def test_a_folder_that_cannot_be_used_is_one_error(
    run: Callable[..., str], pytester: pytest.Pytester, small_corpus: Path, content: str
) -> None:
    folder = small_corpus if content == "another corpus" else pytester.path / "here"
    (pytester.path / "here").write_text("a file")
    printed = run("lstm_gates_iofg", f", found={str(folder)!r}")
    assert f"rnn_goldens.errors.WrongUse: {folder} " in printed
    assert "GoldenMismatch" not in printed
