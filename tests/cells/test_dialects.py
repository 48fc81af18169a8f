"""Dialects: their inputs, selection, weights, diagnosis and ONNX files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings

from rnn_goldens import Golden, GoldenMismatch, Unsupported, load, select
from rnn_goldens.cells import BUILT_IN_CELLS, Network, case_of
from rnn_goldens.conventions import CONVENTIONS
from rnn_goldens.deviations import deviation
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.scenarios import size_pairs
from rnn_goldens.generator.scenarios.dialects import names_of
from rnn_goldens.generator.scenarios.templates import FOLDERS
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS
from rnn_goldens.hypothesis import goldens
from rnn_goldens.implementations import adapt
from rnn_goldens.implementations.onnx_model import network_model
from rnn_goldens.implementations.onnx_nodes import activations, cells_of
from rnn_goldens.implementations.resolution import dialects_of

PAIRS = [
    (f"{cell.replace('_', '-')}/{name}", f"{FOLDERS[DIALECTS[cell].base]}/{name}")
    for cell in DIALECTS
    for name in names_of(cell)
    if (cell, name) != ("rnn_thresholded_relu", "sweeping")  # around its alpha
    if (cell, name) != ("lstm_activations", size_pairs.FEW.name)  # off a kink
]


OTHER_SHAPES = ("lstm-projection", "lstm-coupled-input")
"""Prefixes of the ids of goldens whose dialect changes the shapes of weights."""

WITHOUT_OPTION = [one for one, _ in PAIRS if one.endswith("/with-state") and not one.startswith(OTHER_SHAPES)]


@pytest.mark.parametrize(("dialect", "standard"), PAIRS[::4])
def test_a_golden_of_a_dialect_has_the_inputs_of_a_standard_golden(dialect: str, standard: str) -> None:
    golden, other = load(dialect, dtype="float64"), load(standard, dtype="float64")
    units = golden.network.output_size
    np.testing.assert_array_equal(golden.x, other.x)
    np.testing.assert_array_equal(golden.h0, other.h0[..., :units])
    if LAYOUTS[golden.cell] == LAYOUTS[other.cell] and not golden.network.direction:
        assert golden.weights.keys() == other.weights.keys()
        assert all(np.array_equal(array, other.weights[name]) for name, array in golden.weights.items())


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("dialect", WITHOUT_OPTION)
def test_a_network_that_ignores_the_option_is_detected_and_named(dialect: str) -> None:
    golden = load(dialect, dtype="float32")
    name = "reverse_ignored" if golden.network.direction else f"{golden.cell}_ignored"
    outputs = deviation(name).outputs(case_of(golden, np.float32))
    verdict = golden.compare(outputs)
    assert not verdict.passed
    assert name in verdict.explained_by


def test_dialects_are_selected_only_by_name_option_or_id() -> None:
    assert {golden.cell for golden in select()} == set(CELLS)
    assert {golden.cell for golden in select(cell="gru")} == {"gru"}
    assert {golden.cell for golden in select(features="core")} <= set(CELLS)
    assert {golden.cell for golden in select(cell="clip=1")} == {"rnn_tanh_clip", "lstm_clip", "gru_clip"}
    assert [golden.id for golden in select(ids="gru-clip/plain")] == ["gru-clip/plain"]
    assert {golden.cell for golden in select(ids="gru-clip/*")} == {"gru_clip"}
    assert {golden.cell for golden in select(ids="*-clip/*")} >= {"gru_clip", "lstm_clip", "rnn_tanh_clip"}
    assert {golden.cell for golden in select(ids="*/plain")} <= set(CELLS)
    with pytest.raises(WrongUse, match="no dialect has the option clip=2: did you mean clip=1 or"):
        select(cell="clip=2")


@pytest.mark.parametrize("cell", ["gru_reset_before", "linear_before_reset=0"])
def test_a_dialect_is_selected_by_its_name_or_its_option(cell: str) -> None:
    assert {golden.cell for golden in select(cell=cell)} == {"gru_reset_before"}


@pytest.mark.parametrize("option", ["clip=1.0", "clip = 1", "cell_clip=.5", "linear_before_reset=False"])
def test_the_value_of_an_option_may_be_written_as_any_number(option: str) -> None:
    assert select(cell=option)


IN_STANDARD_SHAPES = [
    cell
    for cell, dialect in DIALECTS.items()
    if (LAYOUTS[cell].gates, LAYOUTS[cell].further) == (LAYOUTS[dialect.base].gates, {})
]


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("cell", IN_STANDARD_SHAPES)
def test_a_network_that_computes_a_dialect_is_named_by_a_deviation_of_its_standard_cell(cell: str) -> None:
    base = DIALECTS[cell].base
    golden = load(f"{FOLDERS[base]}/with-state", dtype="float32")
    case = case_of(golden, np.float32)
    if "direction" in DIALECTS[cell].options:
        outputs = deviation("reverse_computed").alteration(case)
    else:
        outputs = Network().run(replace(case, cell=BUILT_IN_CELLS[cell]))
    named = golden.compare(*outputs).explained_by
    assert any(f"--cell={cell}" in deviation(name).fix_for([base]) for name in named), named


def test_swapped_gates_of_a_dialect_have_one_cause() -> None:
    golden = load("gru-reset-before/with-state", dtype="float32")
    assert golden.compare(deviation("gru_gates_zrn").outputs(case_of(golden, np.float32))).explained_by == (
        "gru_gates_zrn",
    )


def test_a_dialect_checked_as_the_standard_cell_is_named_with_its_option() -> None:
    golden = load("gru/with-state", dtype="float32")
    outputs = Network().run(
        case_of(golden, np.float32).__class__(
            **vars(case_of(golden, np.float32)) | {"cell": BUILT_IN_CELLS["gru_reset_before"]}
        )
    )
    with pytest.raises(GoldenMismatch) as caught:
        golden.check(*outputs)
    assert "gru_reset_before_product" in str(caught.value)
    assert "linear_before_reset=0" in deviation("gru_reset_before_product").fix_for()
    assert "--cell=gru_reset_before" in deviation("gru_reset_before_product").fix_for(["gru"])
    assert deviation("hard_sigmoid").fix_for(["lstm"]).endswith("--cell=lstm_hard_sigmoid")


@pytest.mark.parametrize("cell", DIALECTS)
@pytest.mark.parametrize("name", ["keras", "onnx"])
def test_weights_of_a_dialect_are_converted_and_converted_back_or_refused(cell: str, name: str) -> None:
    golden, convention = load(f"{cell.replace('_', '-')}/plain", dtype="float64"), CONVENTIONS[name]
    try:
        converted = golden.weights_as(name)
    except Unsupported:
        assert cell not in convention.cells
        return
    back = golden.weights_from(name, converted)
    assert {n: a.shape for n, a in back.items()} == {n: a.shape for n, a in golden.weights.items()}
    again = convention.from_torch(cell, golden.network, back)
    assert all(np.array_equal(again[n], array) for n, array in converted.items())


def test_peepholes_have_the_gate_order_of_onnx() -> None:
    golden = load("lstm-peephole/with-state", dtype="float64")
    wanted = np.concatenate([golden.weights[f"{name}_l0"] for name in ("p_i", "p_o", "p_f")])
    np.testing.assert_array_equal(golden.weights_as("onnx")["l0/P"], wanted[None])


def without_weights(golden_id: str, path: Path) -> str:
    model = network_model(load(golden_id, dtype="float32")).proto()
    del model.graph.initializer[:]
    onnx.save(model, path)
    return str(path)


@pytest.mark.parametrize("cell", [cell for cell, dialect in DIALECTS.items() if dialect.in_onnx])
def test_an_onnx_file_selects_the_dialect_of_its_attributes(cell: str, tmp_path: Path) -> None:
    path = without_weights(f"{cell.replace('_', '-')}/plain", tmp_path / "model.onnx")
    assert cells_of(path) == dialects_of(path) == (cell,)


def test_an_onnx_file_of_equations_without_goldens_is_an_error_with_the_nearest_cell(tmp_path: Path) -> None:
    model = network_model(load("lstm-clip/plain", dtype="float32"), stored_weights=False).proto()
    (clip,) = [a for node in model.graph.node for a in node.attribute if a.name == "clip"]
    clip.f = 2.0
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(WrongUse, match="no golden has its equations; the nearest cell is lstm_clip, but clip is 2"):
        dialects_of(str(tmp_path / "model.onnx"))


def test_an_exported_onnx_file_with_states_by_layer_can_be_checked(tmp_path: Path) -> None:
    golden = load("gru-clip/back-ten-steps", dtype="float32")
    onnx.save(network_model(golden, stored_weights=False).proto(), tmp_path / "model.onnx")
    golden.check(*adapt(tmp_path / "model.onnx")(golden))


def test_an_onnx_file_of_a_standard_cell_selects_no_dialect(tmp_path: Path) -> None:
    path = without_weights("gru/with-state", tmp_path / "model.onnx")
    assert cells_of(path) == ("gru",)
    assert dialects_of(path) == ()


def test_alpha_and_beta_are_assigned_to_the_next_activation_that_has_them() -> None:
    attributes = {
        "activations": ["Sigmoid", "hardsigmoid", "Elu", "ScaledTanh"],
        "activation_alpha": [0.25, 0.5],
        "activation_beta": [0.75],
    }
    assert activations(attributes, "LSTM") == ["Sigmoid", "HardSigmoid(0.25, 0.75)", "Elu(0.5)", "ScaledTanh(1, 1)"]
    assert activations({}, "GRU") == ["Sigmoid", "Tanh"]


def test_a_golden_has_the_options_of_its_dialect() -> None:
    assert load("gru-reset-before/plain", dtype="float32").options == {"linear_before_reset": 0}
    assert load("lstm-projection/plain", dtype="float32").config["proj_size"] == 2
    assert load("gru-reverse/plain", dtype="float32").config["direction"] == "reverse"
    assert dict(load("gru/plain", dtype="float32").options) == {}


@settings(max_examples=12, deadline=None, database=None)
@given(
    goldens(cell=("lstm_projection", "gru_reverse", "lstm_peephole"), max_time=3, max_batch=2, max_hidden=3, found=None)
)
def test_goldens_of_dialects_can_be_drawn(golden: Golden) -> None:
    golden.check(*Network().run(case_of(golden, np.float32)))
