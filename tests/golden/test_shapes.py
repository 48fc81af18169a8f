"""Shapes and names that follow from a configuration, features, and reasons for missing outputs."""

from typing import Any

import numpy as np
import pytest
from factories.custom_cells import layout
from factories.recurrences import SHARED
from torch import nn

from rnn_goldens import load
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.expected import is_missing_output_reason, missing_output_reason
from rnn_goldens.golden.recurrence_config import recurrence_config
from rnn_goldens.golden.shapes import (
    Block,
    Config,
    Layout,
    chosen_outputs,
    is_custom_cell,
    state_shapes,
    weight_shapes,
)
from rnn_goldens.implementations.torch import layer

CONFIGS = [
    Config(input_size=5, hidden_size=2, bias=False),
    Config(input_size=3, hidden_size=4, num_layers=2, bidirectional=True),
]


@pytest.mark.parametrize("config", CONFIGS, ids=["plain", "bidirectional two layers"])
@pytest.mark.parametrize("cell", CELLS)
def test_weight_names_shapes_and_order_are_those_of_torch(cell: str, config: Config) -> None:
    torch_shapes = [(name, tuple(p.shape)) for name, p in layer(cell, config).named_parameters()]
    assert list(weight_shapes(LAYOUTS[cell], config).items()) == torch_shapes


def test_a_block_of_a_weight_has_the_rows_of_one_gate_or_the_whole_weight() -> None:
    blocks = LAYOUTS["lstm_projection"].blocks
    assert blocks["W_hf"] == Block("weight_hh", 1, 4)
    assert blocks["W_hr"] == Block("weight_hr", 0, 1)


def test_output_and_state_shapes_follow_from_the_configuration() -> None:
    config = CONFIGS[1]
    assert config.array_shapes(Layout("h"), (7, 6, 3)).outputs == {"out": (7, 6, 8), "h_n": (4, 7, 4)}
    assert config.array_shapes(Layout("h"), (6, 3)).outputs == {"out": (6, 8), "h_n": (4, 4)}
    three_layers = Config(input_size=1, hidden_size=1, num_layers=3, bidirectional=True)
    assert state_shapes(Layout("h"), three_layers, (7,)) == {"h": (6, 7, 1)}


def test_a_gradient_is_shaped_like_its_array() -> None:
    config, weights = CONFIGS[1], weight_shapes(LAYOUTS["lstm"], CONFIGS[1])
    batched, unbatched = ({"x": np.zeros((*batch, 6, 3))} for batch in ((7,), ()))
    of_batched, of_unbatched = (config.shapes(LAYOUTS["lstm"], inputs) for inputs in (batched, unbatched))
    states = {"h0": (4, 7, 4), "c0": (4, 7, 4)}
    assert of_batched.gradients(state=True) == {"x": (7, 6, 3), **states, **weights}
    assert of_unbatched.gradients(state=False) == {"x": (6, 3), **weights}
    assert of_unbatched.gradients(state=True)["h0"] == (4, 4)


def test_the_axes_of_a_weight_are_known_whatever_its_name_is() -> None:
    weights = layout("ab", ("h",), "p_low", "q_l")
    assert CONFIGS[1].axes("weight_ih_l1_reverse", weights, batched=True) == ("gate and unit", "column")
    assert CONFIGS[1].axes("p_low_l0", weights, batched=True) == ("unit",)
    assert CONFIGS[1].axes("q_l_l0_reverse", weights, batched=True) == ("unit",)


def test_a_header_has_the_sizes_of_a_configuration() -> None:
    sizes = {"input": 3, "hidden": 4, "layers": 2, "directions": 2, "has_bias": 1}
    assert CONFIGS[1].sizes == sizes
    assert recurrence_config("min_gru", {"d": 3}).sizes == {"d": 3}


def test_a_configuration_is_the_keyword_arguments_of_a_torch_layer() -> None:
    network = nn.LSTM(**CONFIGS[1], batch_first=True)
    assert (network.input_size, network.hidden_size, network.num_layers) == (3, 4, 2)
    assert network.bidirectional
    assert network.bias
    assert "hidden_size" in CONFIGS[1]
    assert "dropout" not in CONFIGS[1]
    with pytest.raises(KeyError):
        CONFIGS[1]["num_directions"]


def test_a_configuration_is_a_mapping_of_five_arguments() -> None:
    config = Config(input_size=5, hidden_size=2)
    assert dict(config) == {"input_size": 5, "hidden_size": 2, "num_layers": 1, "bidirectional": False, "bias": True}
    assert len(config) == 5
    assert "".join(["hidden", "_", "size"]) in config


def test_the_suffixes_of_weights_are_in_the_order_of_the_first_axis_of_states() -> None:
    deep = Config(input_size=3, hidden_size=4, num_layers=3, bidirectional=True)
    assert deep.layers == [["l0", "l0_reverse"], ["l1", "l1_reverse"], ["l2", "l2_reverse"]]
    assert deep.suffixes == [suffix for layer in deep.layers for suffix in layer]
    assert deep.num_directions == 2
    one_direction = Config(input_size=3, hidden_size=4, num_layers=11)
    assert one_direction.layers == [[f"l{layer}"] for layer in range(11)]
    assert one_direction.num_directions == 1


def test_onnx_names_the_direction_of_a_configuration() -> None:
    configs = [*CONFIGS, Config(input_size=1, hidden_size=1, direction="reverse")]
    assert [config.onnx_direction for config in configs] == ["forward", "bidirectional", "reverse"]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", [*LAYOUTS.values(), layout("ab", ("h", "c"), "p", "q")], ids=repr)
def test_the_weight_count_equals_the_number_of_weight_shapes(layout: Layout, bias: bool) -> None:
    for config in (
        Config(input_size=3, hidden_size=4, num_layers=3, bidirectional=True, bias=bias),
        Config(input_size=3, hidden_size=4, num_layers=11, bias=bias),
    ):
        assert config.weight_count(layout) == len(weight_shapes(layout, config))


def test_names_and_shapes_of_weights_follow_from_layer_direction_and_vectors() -> None:
    shapes = weight_shapes(LAYOUTS["gru"], Config(input_size=3, hidden_size=4, num_layers=11, bidirectional=True))
    assert shapes["weight_ih_l0_reverse"] == (12, 3)
    assert shapes["weight_ih_l10"] == (12, 8)
    shapes = weight_shapes(layout("ab", ("h",), "p", "q"), Config(input_size=3, hidden_size=4))
    assert list(shapes) == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "p_l0", "q_l0"]
    assert shapes["p_l0"] == shapes["q_l0"] == (4,)
    assert shapes["bias_ih_l0"] == (8,)


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (Layout("h"), "the gate h, the state h"),
        (Layout("rzn"), "the gates r, z and n, the state h"),
        (layout("fn", ("h", "c"), "p_i"), "the gates f and n, the states h and c, the weight p_i"),
    ],
)
def test_a_layout_is_described_in_words(layout: Layout, words: str) -> None:
    assert layout.in_words == words


@pytest.mark.parametrize("name", ["mine:cell", "my.own_package:cell_2", "_m:_f"])
def test_a_custom_cell_is_named_as_module_and_function(name: str) -> None:
    assert is_custom_cell(name)


@pytest.mark.parametrize("name", ["lstm", "mine", ":cell", "mine:", "a:b:c", "a..b:c", "2a:b", "a:b.c", "a:b ", "é:b"])
def test_other_names_are_not_custom_cells(name: str) -> None:
    assert not is_custom_cell(name)


def test_outputs_are_selected_by_name_and_selecting_all_returns_an_empty_tuple() -> None:
    assert chosen_outputs("out") == chosen_outputs(["out", "out"]) == ("out",)
    assert chosen_outputs(["c_n", "out"]) == ("out", "c_n")
    assert chosen_outputs(name for name in ("h_n", "c_n", "out")) == ()
    with pytest.raises(UnknownName, match=r"no output 'out '. Did you mean 'out'\? Outputs: out, h_n, c_n"):
        chosen_outputs("out ")
    with pytest.raises(WrongUse, match=r"^outputs=c_n,h_n: the outputs to compare must include out$"):
        chosen_outputs(["h_n", "c_n"])
    with pytest.raises(WrongUse, match="must include out"):
        chosen_outputs([])
    assert {cell: layout.outputs for cell, layout in LAYOUTS.items() if cell in CELLS and layout.states[1:]} == {
        "lstm": ("out", "h_n", "c_n")
    }
    assert LAYOUTS["gru"].outputs == ("out", "h_n")


@pytest.mark.parametrize(
    ("golden", "grouped"),
    [("gated-delta/grouped-queries", True), ("gated-delta/several-steps", False), ("slstm/several-steps", False)],
)
def test_only_goldens_with_several_queries_of_a_head_are_grouped(golden: str, grouped: bool) -> None:
    assert ("grouped" in load(golden, dtype="float32").features) is grouped


@pytest.mark.parametrize(
    ("cell", "sizes", "shapes", "features"),
    [
        (
            "gated_delta",
            SHARED["key heads"],
            {"q": (3, 2), "k": (3, 2), "v": (6, 2), "g": (6,), "beta": (6,), "o": (6, 2), "S_n": (6, 2, 2)},
            ("grouped-values",),
        ),
        (
            "gated_delta",
            {**SHARED["one beta"], "decay": "key"},
            {"q": (6, 2), "k": (3, 2), "v": (3, 2), "g": (3, 2), "beta": (1,), "o": (6, 2), "S_n": (3, 2, 2)},
            ("grouped", "one-beta"),
        ),
        (
            "selective_scan",
            SHARED["groups"],
            {"u": (6,), "dt": (6,), "B": (2, 2), "C": (2, 2), "A": (6, 2), "D": (6,), "y": (6,), "h_n": (6, 2)},
            ("grouped-channels",),
        ),
    ],
)
def test_optional_sizes_change_the_axes_of_some_arrays(
    cell: str, sizes: dict[str, Any], shapes: dict[str, tuple[int, ...]], features: tuple[str, ...]
) -> None:
    config = recurrence_config(cell, sizes)
    found = config.array_shapes(5, 7)
    every = {**found.inputs, **found.weights, **found.outputs}
    leading = {name: (5,) if name.endswith("_n") else () if name in found.weights else (5, 7) for name in every}
    assert every == {name: (*leading[name], *shape) for name, shape in shapes.items()}
    assert config.features == features
    assert dict(config.sizes) == {name: size for name, size in sizes.items() if name != "decay"}


@pytest.mark.parametrize("output", ["out", "h_n", "c_n", "n_n"])
def test_the_reason_for_a_missing_output_is_recognised(output: str) -> None:
    reasons = [missing_output_reason(output), missing_output_reason(output, returned=True)]
    assert reasons == [f"there are cotangents of {output}, which is not {why}" for why in ("returned", "compared")]
    assert all(map(is_missing_output_reason, reasons))


def test_other_reasons_are_not_recognised() -> None:
    assert not is_missing_output_reason("cotangents of out")
    assert not is_missing_output_reason(f"{missing_output_reason('h_n')}, added")
