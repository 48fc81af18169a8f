from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from factories.goldens import make_golden

import rnn_goldens
from rnn_goldens import UnknownName, Unsupported
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.conventions import CONVENTIONS, convention
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.shapes import Config, weight_shapes

CONFIGURATIONS: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"num_layers": 3},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "hidden_size": 4},
    {"input_size": 1, "hidden_size": 1},
]


def test_weights_equal_those_of_the_teaching_notebook() -> None:
    weights = rnn_goldens.load("documented/single-sequence").weights_as("textbook")
    assert weights["W_xh"].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [1, 1]]
    assert weights["W_hh"].tolist() == [[1, 1], [1, 1]]
    golden = rnn_goldens.load("documented/identity-w-hh")
    assert golden.weights["weight_ih_l0"].tolist() == [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]]


SUPPORTED = [
    (name, cell, configuration)
    for name in CONVENTIONS
    for cell in CELLS
    for configuration in CONFIGURATIONS
    if name != "textbook" or (cell.startswith("rnn") and not configuration.keys() & {"num_layers", "bidirectional"})
]


@for_each(SUPPORTED)
def test_converting_weights_and_converting_them_back_returns_the_same_weights(
    name: str, cell: str, configuration: dict[str, Any]
) -> None:
    golden, converter = make_golden(cell, **configuration), convention(name)
    converted = converter.from_torch(golden.cell, golden.network, golden.stored.weights)
    restored = converter.to_torch(golden.cell, golden.network, converted)
    again = converter.from_torch(golden.cell, golden.network, restored)
    assert {n: a.shape for n, a in restored.items()} == weight_shapes(LAYOUTS[cell], golden.network)
    assert again.keys() == converted.keys()
    for weight, array in converted.items():
        np.testing.assert_array_equal(again[weight], array)
    for weight, array in golden.stored.weights.items():
        if weight.startswith("weight") or keeps_both_biases(name, cell):
            np.testing.assert_array_equal(restored[weight], array)
        elif weight.startswith("bias_ih"):
            other = weight.replace("_ih_", "_hh_")
            np.testing.assert_array_equal(restored[weight] + restored[other], array + golden.stored.weights[other])


def test_weights_may_be_lists_in_any_order() -> None:
    golden = make_golden("gru", bidirectional=True)
    keras = {name: array.tolist() for name, array in reversed(golden.weights_as("keras").items())}
    restored = golden.weights_from("keras", keras)
    assert list(restored) == list(golden.weights), "the weights must be in PyTorch's order"
    for name, array in golden.stored.weights.items():
        np.testing.assert_array_equal(restored[name], array)
        assert restored[name].dtype == np.float64


def test_weights_may_be_nested_as_in_flax() -> None:
    golden = make_golden(cell="gru", num_layers=2)
    nested: dict[str, Any] = {}
    for path, array in golden.weights_as("flax").items():
        suffix, gate, name = path.split("/")
        nested.setdefault(suffix, {}).setdefault(gate, {})[name] = array
    flat = golden.weights_from("flax", golden.weights_as("flax"))
    for name, array in golden.weights_from("flax", nested).items():
        np.testing.assert_array_equal(array, flat[name])
    for name, array in golden.weights_from("flax", {"params": nested}).items():
        np.testing.assert_array_equal(array, flat[name])


@pytest.mark.parametrize("name", ["keras", "onnx", "flax"])
def test_the_weights_of_a_single_layer_may_omit_its_name(name: str) -> None:
    golden = make_golden(cell="lstm")
    plain = {path.removeprefix("l0/"): array for path, array in golden.weights_as(name).items()}
    round_trip = golden.weights_from(name, golden.weights_as(name))
    for path, array in golden.weights_from(name, plain).items():
        np.testing.assert_array_equal(array, round_trip[path])


@pytest.mark.parametrize(("weights", "kind"), [(None, "NoneType"), ([1, 2], "list")])
def test_weights_that_are_not_a_mapping_are_wrong_use(weights: Any, kind: str) -> None:
    with pytest.raises(WrongUse, match=f"torch weights are a {kind}, not a mapping of names to arrays"):
        make_golden().weights_from("torch", weights)


def test_weights_that_are_not_numeric_are_named() -> None:
    golden = make_golden("rnn_tanh", bias=False)
    weights = {**golden.weights_as("textbook"), "W_hh": None}
    with pytest.raises(WrongUse, match=r"textbook weights of a rnn_tanh with .*: W_hh is None"):
        golden.weights_from("textbook", weights)


def keeps_both_biases(name: str, cell: str) -> bool:
    return name in ("torch", "onnx") or (name, cell) == ("keras", "gru")


def numbered(cell: str) -> Golden:
    """Return a golden with one unit and one input, whose weights number the gates in PyTorch's order."""
    gates = {"lstm": 4, "gru": 3}.get(cell, 1)
    numbers = np.arange(1.0, gates + 1)
    weights = {
        "weight_ih_l0": numbers[:, None],
        "weight_hh_l0": 10 * numbers[:, None],
        "bias_ih_l0": 100 * numbers,
        "bias_hh_l0": 1000 * numbers,
    }
    golden = rnn_goldens.load("documented/single-sequence")
    stored = replace(golden.stored, weights=weights)
    return replace(golden, cell=cell, config=Config(1, 1), stored=stored)


def keras(kernel: Any, recurrent: Any, bias: Any) -> dict[str, Any]:
    return {"l0/kernel": kernel, "l0/recurrent_kernel": recurrent, "l0/bias": bias}


def onnx(gates: list[int], bias: Any) -> dict[str, Any]:
    return {"l0/W": [[[gate] for gate in gates]], "l0/R": [[[10 * gate] for gate in gates]], "l0/B": bias}


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        # i, f, c, o
        ("keras", "lstm", keras([[1, 2, 3, 4]], [[10, 20, 30, 40]], [1100, 2200, 3300, 4400])),
        # z, r, h
        ("keras", "gru", keras([[2, 1, 3]], [[20, 10, 30]], [[200, 100, 300], [2000, 1000, 3000]])),
        ("keras", "rnn_tanh", keras([[1]], [[10]], [1100])),
        # i, o, f, c
        ("onnx", "lstm", onnx([1, 4, 2, 3], [[100, 400, 200, 300, 1000, 4000, 2000, 3000]])),
        # z, r, h
        ("onnx", "gru", onnx([2, 1, 3], [[200, 100, 300, 2000, 1000, 3000]])),
        (
            "flax",
            "lstm",
            {
                **{f"l0/i{gate}/kernel": [[i + 1]] for i, gate in enumerate("ifgo")},
                **{f"l0/h{gate}/kernel": [[10 * i + 10]] for i, gate in enumerate("ifgo")},
                **{f"l0/h{gate}/bias": [1100 * i + 1100] for i, gate in enumerate("ifgo")},
            },
        ),
        (
            "flax",
            "gru",
            {
                **{f"l0/i{gate}/kernel": [[i + 1]] for i, gate in enumerate("rzn")},
                **{f"l0/h{gate}/kernel": [[10 * i + 10]] for i, gate in enumerate("rzn")},
                "l0/ir/bias": [1100],
                "l0/iz/bias": [2200],
                "l0/in/bias": [300],
                "l0/hn/bias": [3000],
            },
        ),
        ("flax", "rnn_relu", {"l0/i/kernel": [[1]], "l0/h/kernel": [[10]], "l0/i/bias": [1100]}),
        ("textbook", "rnn_tanh", {"W_xh": [[1]], "W_hh": [[10]], "b": [1100]}),
    ],
)
def test_each_gate_has_the_position_of_the_convention(name: str, cell: str, expected: dict[str, Any]) -> None:
    weights = numbered(cell).weights_as(name)
    assert {weight: array.tolist() for weight, array in weights.items()} == expected


def test_names_of_weights_include_the_layer_and_in_keras_the_direction() -> None:
    golden = make_golden("gru", num_layers=2, bidirectional=True)
    kernels = [name for name in golden.weights_as("keras") if name.endswith("/kernel")]
    assert kernels == ["l0/kernel", "l0_reverse/kernel", "l1/kernel", "l1_reverse/kernel"]
    shapes = {name: array.shape for name, array in golden.weights_as("onnx").items()}
    of_layers = {f"l{layer}/W": (2, 6, size) for layer, size in enumerate((3, 4))}
    assert shapes == of_layers | {f"l{k}/R": (2, 6, 2) for k in (0, 1)} | {f"l{k}/B": (2, 12) for k in (0, 1)}


@pytest.mark.parametrize("name", ["keras", "onnx", "flax"])
@pytest.mark.parametrize("cell", CELLS)
def test_without_biases_keras_and_onnx_have_no_bias_and_flax_has_zeros(name: str, cell: str) -> None:
    weights = make_golden(cell, bias=False).weights_as(name)
    biases = {n: a for n, a in weights.items() if n.rsplit("/", 1)[-1] in ("bias", "B")}
    assert bool(biases) == (name == "flax")
    assert not any(array.any() for array in biases.values())


def test_nonzero_biases_of_flax_are_refused_for_a_network_without_biases() -> None:
    golden = make_golden("gru", bias=False)
    weights = golden.weights_as("flax")
    weights["l0/hn/bias"] = np.array([0.0, 1.0])
    with pytest.raises(Unsupported, match="cannot represent l0/hn/bias: it is not zero"):
        convention("flax").to_torch("gru", golden.network, weights)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_missing_misshapen_and_unknown_weights_are_named(name: str) -> None:
    golden = make_golden("rnn_tanh")
    weights = dict(convention(name).from_torch(golden.cell, golden.network, golden.stored.weights))
    missing, misshapen = list(weights)[:2]
    del weights[missing]
    weights |= {misshapen: np.zeros((7, 7)), "bais": np.zeros(2)}
    message = rf"{name} weights of a rnn_tanh with .*: no {missing}; bais is not one of {missing}, .*; {misshapen} is "
    with pytest.raises(WrongUse, match=message + r"\(7, 7\), not \("):
        convention(name).to_torch(golden.cell, golden.network, weights)


@pytest.mark.parametrize(
    ("cell", "config", "reason"),
    [
        ("lstm", {}, "no gates"),
        ("rnn_tanh", {"num_layers": 2}, "one layer"),
        ("rnn_tanh", {"bidirectional": 1}, "direction"),
    ],
)
def test_the_textbook_convention_refuses_what_it_cannot_represent(
    cell: str, config: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Unsupported, match=reason):
        make_golden(cell, **config).weights_as("textbook")


def test_the_error_for_an_unknown_convention_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Conventions: torch, textbook, keras, onnx, flax"):
        make_golden().weights_as("text-book")
