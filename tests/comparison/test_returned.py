"""What an implementation returned, as outputs by name: apart, in a tuple, or in a mapping."""

from typing import Any

import numpy as np
import pytest
import torch
from factories.goldens import MakeGolden

import rnn_goldens
from rnn_goldens.comparison import array_conversion, returned
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.recurrences import BUILT_IN
from rnn_goldens.golden.shapes import Layout

LSTM, GRU = LAYOUTS["lstm"], LAYOUTS["gru"]
DELTA, SLSTM = BUILT_IN["gated_delta"], BUILT_IN["slstm"]


@pytest.mark.parametrize(
    ("layout", "arguments", "by_name"),
    [
        (GRU, ("out", "h"), {"out": "out", "h_n": "h"}),
        (GRU, (("out", "h"),), {"out": "out", "h_n": "h"}),
        (GRU, (("out", "h", "c"),), {"out": "out", "h_n": "h", "c_n": "c"}),
        (GRU, ("out", "h", "c"), {"out": "out", "h_n": "h", "c_n": "c"}),
        (GRU, ("out", ("h", "c")), {"out": "out", "h_n": ("h", "c")}),
        (GRU, ("out",), {"out": "out", "h_n": None}),
        (GRU, (["out", "h"],), {"out": ["out", "h"], "h_n": None}),
        (GRU, (("out",),), {"out": ("out",), "h_n": None}),
        (GRU, (("a", "b", "c", "d"),), {"out": ("a", "b", "c", "d"), "h_n": None}),
        (GRU, (("out", "h"), None, "c"), {"out": ("out", "h"), "h_n": None, "c_n": "c"}),
        (GRU, (("out", "h"), "h"), {"out": ("out", "h"), "h_n": "h"}),
        (LSTM, ("out", "h", "c"), {"out": "out", "h_n": "h", "c_n": "c"}),
        (LSTM, ("out", ("h", "c")), {"out": "out", "h_n": "h", "c_n": "c"}),
        (LSTM, ("out", ["h", "c"]), {"out": "out", "h_n": "h", "c_n": "c"}),
        (LSTM, (("out", ("h", "c")),), {"out": "out", "h_n": "h", "c_n": "c"}),
        (LSTM, (("out", "h", "c"),), {"out": "out", "h_n": "h", "c_n": "c"}),
        (LSTM, ("out", "h"), {"out": "out", "h_n": "h", "c_n": None}),
        (LSTM, ("out", ("h",)), {"out": "out", "h_n": ("h",), "c_n": None}),
        (LSTM, ("out", ("h", "c", "d")), {"out": "out", "h_n": ("h", "c", "d"), "c_n": None}),
        (LSTM, ("out", ("h", "c"), "c"), {"out": "out", "h_n": ("h", "c"), "c_n": "c"}),
        (LSTM, ("out", "hc"), {"out": "out", "h_n": "hc", "c_n": None}),
        (LSTM, ("out",), {"out": "out", "h_n": None, "c_n": None}),
        (LSTM, ({"out": "out", "c_n": "c"},), {"out": "out", "h_n": None, "c_n": "c"}),
        (GRU, ({"h_n": "h", "out": "out", "c_n": "c"},), {"out": "out", "h_n": "h", "c_n": "c"}),
        (DELTA, (("o", "S"),), {"o": "o", "S_n": "S"}),
        (DELTA, ({"S_n": "S", "o": "o"},), {"o": "o", "S_n": "S"}),
        (SLSTM, ("out", ("h", "c", "n", "m")), {"out": "out", "h_n": "h"}),
        (SLSTM, (("out", "h", "c", "n", "m"),), {"out": "out", "h_n": "h"}),
        (SLSTM, ({"out": "out", "h_n": "h", "n_n": "n"},), {"out": "out", "h_n": "h"}),
    ],
)
def test_arguments_are_assigned_to_the_names_of_outputs(
    layout: Layout, arguments: Any, by_name: dict[str, Any]
) -> None:
    assert returned.by_name(layout, *arguments) == by_name


def test_more_states_than_a_cell_has_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^3 states passed after out; the cell has 1$"):
        returned.by_name(GRU, "out", "h", "c", "n")
    with pytest.raises(TypeError, match=r"^2 states passed after o; the cell has 1$"):
        returned.by_name(DELTA, "o", "S", "S")


@pytest.mark.parametrize("result", [("out", "h"), ["out", ("h", "c")], ("out", "h", "c")])
def test_a_result_of_two_or_three_outputs_is_accepted(result: Any) -> None:
    assert returned.outputs_of(result) is result


@pytest.mark.parametrize(
    ("result", "kind"),
    [(("out",), "1 output"), ([], "0 outputs"), (tuple("outh"), "4 outputs"), (None, "a NoneType"), ("oh", "a str")],
)
def test_a_result_that_is_not_two_or_three_outputs_is_refused(result: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=rf"^the implementation returned {kind}; \(out, h_n\) is expected, or \("):
        returned.outputs_of(result)


def test_the_forms_that_a_cell_may_return_are_named(make_golden: MakeGolden) -> None:
    for cell, forms in (("gru", r"\(out, h_n\)"), ("lstm", r"\(out, h_n, c_n\) or \(out, \(h_n, c_n\)\)")):
        with pytest.raises(TypeError, match=rf"returned 1 output; {forms} is expected, or a mapping with these names$"):
            returned.outputs_of(("out",), make_golden(cell))


OUT, H_N = np.zeros((2, 3, 4)), np.zeros((1, 2, 4))


@pytest.mark.parametrize(
    ("result", "count"),
    [(OUT, 1), (OUT.tolist(), 1), (tuple(OUT), 1), ((OUT,), 1), ((OUT, H_N), 2), ([OUT, H_N], 2), ((OUT, OUT), 2)],
)
def test_results_with_and_without_states_are_accepted_where_only_out_is_compared(
    make_golden: MakeGolden, result: Any, count: int
) -> None:
    golden = make_golden("gru", hidden_size=4).comparing("out")
    found = returned.outputs_of(result, golden)
    assert len(found) == count
    assert returned.outputs_of(found, golden) is found
    compared = returned.compared_outputs(golden, *found)
    assert list(compared) == ["out"]
    assert array_conversion.read(compared["out"]).values.shape == (2, 3, 4)


def test_one_array_is_refused_where_all_outputs_are_compared(make_golden: MakeGolden) -> None:
    golden = make_golden()
    for one in (OUT, torch.zeros(2, 3, 4), array_conversion.read(OUT)):
        with pytest.raises(TypeError, match=r"returned one array; \(out, h_n\) is expected, .*names$"):
            returned.outputs_of(one)
        with pytest.raises(TypeError, match="To check out alone: --rnn-goldens-outputs=out or @pytest"):
            returned.outputs_of(one, golden)
    with pytest.raises(TypeError, match=r"returned a dict; .* is expected"):
        returned.outputs_of({})


def test_a_pair_of_states_for_a_cell_without_a_cell_state_is_reported_unless_it_is_of_two_layers() -> None:
    golden = rnn_goldens.load("gru/with-state")
    verdict = golden.compare(golden.out, (golden.h_n, golden.h_n))
    assert "c_n was given, but a golden for gru has no c_n" in verdict.message
    golden = rnn_goldens.load("gru/two-layers")
    assert golden.compare(golden.out, tuple(golden.h_n)).passed


@pytest.mark.parametrize("golden_id", ["lstm/with-state", "gru/lengths", "slstm/several-steps", "gated-delta/packed"])
def test_outputs_may_be_checked_by_name(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id, dtype="float32")
    right = {name: array.copy() for name, array in golden.expected.items()}
    golden.check(right)
    first, last = golden.layout.outputs[0], golden.layout.outputs[-1]
    assert golden.compare({**right, last: right[last] + 1}).message.startswith(f"{golden_id} in float32")
    assert f"{first} is None" in golden.compare({last: right[last]}).message
    assert f"{golden.cell} has no y_n" in golden.compare({**right, "y_n": right[last]}).message
    assert all(verdict.passed for verdict in golden.compare_calls(lambda _: right, ()))


def test_a_state_beside_outputs_by_name_is_refused() -> None:
    golden = rnn_goldens.load("gru/plain")
    by_name = {name: np.array(golden.expected[name]) for name in ("out", "h_n")}
    with pytest.raises(TypeError, match="outputs are given by name, and 1 state after them: give them once"):
        golden.compare(by_name, by_name["h_n"] + 1)
    with pytest.raises(TypeError, match="give them once"):
        golden.check(*returned.outputs_of((by_name, by_name["h_n"] + 1), golden))
    assert golden.compare({**by_name, "c_n": None}).passed


def test_a_misspelt_name_of_an_output_is_corrected() -> None:
    golden = rnn_goldens.load("gru/plain")
    verdict = golden.compare({"out": np.array(golden.out), "hn": np.array(golden.h_n)})
    assert not verdict.passed
    assert "hn: was given, but a golden for gru has no hn; did you mean h_n?" in verdict.message
    assert 'outputs=["out", "hn"]' not in verdict.message
