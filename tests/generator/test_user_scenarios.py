"""Users' scenarios: weights from various sources, in precisions that can represent them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from rnn_goldens import Config, Refused, Scenario, certify, load
from rnn_goldens.golden.built_in_cells import CELLS

WIDE = ["float64", "float32"]
X = np.linspace(-1, 1, 2 * 3 * 4).reshape(2, 3, 4).astype(np.float32)


def trained(cell: Callable[..., nn.RNNBase] = nn.LSTM, **arguments: Any) -> nn.RNNBase:
    torch.manual_seed(0)
    return cell(4, 5, **{"batch_first": True, **arguments})


def declared(**changes: Any) -> Scenario:
    fields: dict[str, Any] = {
        "id": "mine/lstm",
        "purpose": "To be declared.",
        "cell": "lstm",
        "weights": trained().state_dict(),
        "x": X,
        "precisions": WIDE,
    }
    return Scenario(**{**fields, **changes})


def test_the_configuration_is_inferred_from_a_state_dict() -> None:
    golden = certify(declared())
    assert golden.config == Config(4, 5)
    assert golden.precisions == ("float64", "float32")
    with torch.no_grad():
        out, (h_n, c_n) = trained()(torch.tensor(X))
    golden.in_precision("float32").check(out, (h_n, c_n))
    golden.in_precision("float32").check_fails(out, (h_n, h_n))


@pytest.mark.parametrize("arguments", [{"num_layers": 2}, {"bidirectional": True}, {"bias": False}], ids=str)
def test_layers_directions_and_biases_are_inferred_from_names(arguments: dict[str, Any]) -> None:
    golden = certify(declared(weights=trained(**arguments).state_dict()))
    assert golden.config == Config(4, 5, **arguments)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_weights_can_be_read_from_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    weights = {f"encoder.{name}": tensor for name, tensor in trained().state_dict().items()} | {"w": torch.ones(2)}
    if suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in weights.items()})
    else:
        save_file(weights, path)
    found = certify(declared(weights=path, prefix="encoder."))
    assert np.array_equal(found.out, certify(declared()).out)
    with pytest.raises(Refused, match=r"no weight_ih_l0 \(names: encoder\..*\); set prefix='encoder\.'$"):
        certify(declared(weights=str(path)))
    for part in ("encoder", "e"):
        with pytest.raises(Refused, match=rf"no {part}weight_ih_l0 \(names: encoder\..*\); set prefix='encoder\.'$"):
            certify(declared(weights=str(path), prefix=part))
    with pytest.raises(Refused, match=r"no weight's name begins with 'decoder\.'; the names are encoder"):
        certify(declared(weights=path, prefix="decoder."))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_of_weights_that_cannot_be_read_is_one_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"no weights")
    with pytest.raises(Refused, match=rf"^mine/lstm: {path}: cannot be read( as NPZ)?: "):
        certify(declared(weights=path))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_safetensors_of_any_type_equal_the_state_dict(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "model.safetensors"
    stored = {name: tensor.to(dtype) for name, tensor in trained().state_dict().items()}
    model = {f"encoder.{name}": tensor for name, tensor in stored.items()}
    save_file({**model, "steps": torch.tensor(3), "done": torch.tensor([True])}, path)
    assert np.array_equal(certify(declared(weights=path, prefix="encoder.")).out, certify(declared(weights=stored)).out)


def test_weights_of_a_type_that_numpy_does_not_support_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({name: tensor.to(torch.float8_e4m3fn) for name, tensor in trained().state_dict().items()}, path)
    with pytest.raises(Refused, match=r"is F8_E4M3, which NumPy does not support: read it with torch"):
        certify(declared(weights=path))


@pytest.mark.parametrize("convention", ["torch", "keras", "onnx", "flax"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_weights_of_every_convention_are_accepted(cell: str, convention: str) -> None:
    golden = load(f"{cell}/no-bias", dtype="float64")
    found = certify(
        declared(
            cell=cell, weights=golden.weights_as(convention), convention=convention, config=golden.config, x=golden.x
        )
    )
    assert np.array_equal(found.out, golden.out)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_of_torch_becomes_a_scenario(cell: str, batch_first: bool) -> None:
    kinds: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU}
    kind = kinds.get(cell, nn.RNN)
    more = {"nonlinearity": cell.removeprefix("rnn_")} if kind is nn.RNN else {}
    layer = trained(kind, batch_first=batch_first, bidirectional=True, **more)
    x = torch.tensor(X if batch_first else X.swapaxes(0, 1))
    state = torch.full((2, 2, 5), 0.25)
    initial = (state, state / 2) if cell == "lstm" else state
    golden = certify(Scenario.from_torch(layer, x, initial, id="mine/layer", purpose="To be declared."))
    assert (golden.cell, golden.config) == (cell, Config(4, 5, bidirectional=True))
    assert np.array_equal(golden.x, X)
    with torch.no_grad():
        out, states = layer(x, initial)
    golden.in_precision("float32").check(out if batch_first else out.swapaxes(0, 1), states)


def test_modules_are_accepted_if_supported_also_with_a_projection() -> None:
    def refused(module: nn.Module, message: str) -> None:
        with pytest.raises(Refused, match=f"^mine/layer: {message}"):
            Scenario.from_torch(module, X, id="mine/layer", purpose="Refused.")  # type: ignore[arg-type]

    refused(nn.Linear(4, 5), r"a Linear is not an nn\.RNN, nn\.LSTM or nn\.GRU")
    refused(nn.GRU(4, 5, num_layers=2, dropout=0.5), r".*in training mode: call module\.eval\(\) first")
    Scenario.from_torch(nn.GRU(4, 5, num_layers=2, dropout=0.5).eval(), X, id="mine/layer", purpose="Not refused.")
    scenario = Scenario.from_torch(nn.LSTM(4, 5, proj_size=3), X, id="mine/layer", purpose="A projection.")
    assert (scenario.cell, scenario.shape.proj_size) == ("lstm_projection", 3)
    assert scenario.stored.weights["weight_hr_l0"].shape == (3, 5)


def test_invalid_inputs_of_a_module_are_refused() -> None:
    def refused(message: str, module: nn.RNNBase, x: Any, state: Any = None) -> None:
        with pytest.raises(Refused, match=f"^mine/layer: {message}"):
            Scenario.from_torch(module, x, state, id="mine/layer", purpose="Refused.")

    h = torch.zeros(1, 2, 5)
    packed = nn.utils.rnn.pack_padded_sequence(torch.tensor(X), [3, 1], batch_first=True)
    refused(r"x is a PackedSequence: pass the padded x and lengths=$", trained(), packed)
    refused("x is of type str, which torch cannot convert to a tensor", trained(), "abc")
    refused(r"the state has 3 arrays; an nn\.LSTM takes a pair, \(h0, c0\)$", trained(), X, (h, h, h))
    refused(r"the state has 1 array; an nn\.LSTM takes a pair", trained(), X, h)
    refused(r"the state has 2 arrays; an nn\.GRU takes one, h0$", trained(nn.GRU), X, (h, h))


def test_fields_that_contradict_or_follow_from_the_module_are_refused() -> None:
    def refused(message: str, module: nn.RNNBase, **fields: Any) -> None:
        with pytest.raises(Refused, match=f"^mine/layer: {message}"):
            Scenario.from_torch(module, X, id="mine/layer", purpose="Refused.", **fields)

    relu = nn.RNN(4, 5, nonlinearity="relu")
    refused("the module is of the cell rnn_relu, not 'rnn_tanh': omit cell", relu, cell="rnn_tanh")
    refused("config follows from the module: omit it", relu, config=Config(4, 6))
    refused("weights follows from the module: omit it", relu, weights={})
    Scenario.from_torch(relu, X, id="mine/layer", purpose="Not refused.", cell="rnn_relu", title="A layer")


def test_refusals_suggest_what_to_write() -> None:
    with pytest.raises(Refused, match=r"of type LSTM; .*; pass its state_dict\(\), or use Scenario\.from_torch"):
        certify(declared(weights=trained()))
    weights = {f"{network}.{name}": w for network in ("enc", "dec") for name, w in trained().state_dict().items()}
    with pytest.raises(Refused, match=r"enc\.weight_ih_l0, .*; set prefix='enc\.' or 'dec\.'$"):
        certify(declared(weights=weights))
    with pytest.raises(Refused, match=r"m/weight_ih_l0, .*; set prefix='m/'$"):
        certify(declared(weights={"m": trained().state_dict()}))
    weights = {name: np.full(np.shape(w), 1e300) for name, w in trained(nn.RNN).state_dict().items()}
    with pytest.raises(Refused, match=r"^mine/lstm: intermediate sums overflow, so no tolerance"):
        certify(declared(cell="rnn_relu", weights=weights, x=X.astype(float) + 2, precisions=["float64"]))


def test_an_inexact_number_is_refused_with_the_possible_precisions() -> None:
    with pytest.raises(
        Refused,
        match=r"weight_ih_l0 holds -?0\.\d+ \(and \d+ more numbers\), which bfloat16 cannot represent; "
        r"select only precisions that can: precisions=\['float64', 'float32'\]",
    ):
        certify(declared(precisions=["float64", "float32", "bfloat16"]))
    with pytest.raises(Refused, match=r"x holds 0\.1 .*float32 cannot represent; .*precisions=\['float64'\]"):
        certify(declared(x=np.full((2, 3, 4), 0.1)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell": "lsmt"}, "no cell 'lsmt'. Cells: rnn_tanh, rnn_relu, lstm, gru"),
        ({"cell": "gru"}, r"weight_ih_l0 is \(20, 4\), not \(15, 4\)"),
        ({"weights": {"weight_ih_l0": np.zeros((20, 4)), "weight_hh_l0": np.zeros(3)}}, "are not two matrices"),
        ({"weights": 3}, "weights are of type int; expected a mapping of names to arrays, a file or a layer of Keras"),
        (
            {"weights": "nothing.npz"},
            rf"nothing\.npz: {Path.cwd()}/nothing\.npz does not exist: paths are relative to the working",
        ),
        ({"weights": "nothing.npz"}, r"beside the file of scenarios use Path\(__file__\)\.parent / 'nothing\.npz'$"),
        ({"weights": Path("/nothing.npz")}, r"/nothing\.npz: cannot be read: No such file"),
        ({"cell": "my-sc:inner"}, "cell 'my-sc:inner': 'my-sc' is not a valid name of a module .*: rename the file"),
        ({"weights": "model.pt"}, r"model\.pt: a file of weights ends in \.npz or \.safetensors"),
        ({"convention": "keras"}, "the configuration cannot be inferred from weights of keras: set config"),
        ({"config": {"hidden": 5}}, "no argument 'hidden'. Did you mean 'hidden_size'"),
        ({"x": X[..., :3]}, r"x has shape \(2, 3, 3\); expected \(2, 3, 4\): \(batch, time, input\)$"),
        ({"x": X[0, 0]}, r"x has shape \(4,\); expected \(batch, time, input\) or \(time, input\)$"),
        ({"x": X * np.nan}, "x holds NaN or infinity"),
        ({"x": "abc"}, "x "),
        ({"h0": np.zeros((1, 2, 5))}, "c0 is missing"),
        (
            {"h0": np.zeros((2, 2, 5)), "c0": np.zeros((1, 2, 5))},
            r"h0 has shape \(2, 2, 5\); expected \(1, 2, 5\): ",
        ),
        ({"lengths": [3, 0]}, r"lengths \[3, 0\]: lengths\[1\] is 0, and a sequence of no time steps is not supported"),
        ({"lengths": [9, 1]}, r"lengths \[9, 1\] must be between 1 and 3, the time steps of x"),
        ({"lengths": [3, 1, 1]}, r"lengths has shape \(3,\); expected \(2,\): \(batch\)$"),
        ({"lengths": [[3, 1]]}, r"lengths has shape \(1, 2\); expected a list of integers$"),
        ({"lengths": [3], "x": X[0]}, "lengths is given, but x is unbatched$"),
        ({"config": Config(4, 5, proj_size=3)}, "config: proj_size is given, but the cell has no projection$"),
        (
            {"config": Config(4, 5, bidirectional=True, direction="reverse")},
            "config: direction is reverse, so bidirectional must be false$",
        ),
        (
            {"cell": "lstm_projection", "config": Config(4, 5)},
            "proj_size is required: the cell has a projection$",
        ),
        (
            {"x": X[..., :3], "h0": np.ones((1, 2, 4)), "c0": np.ones((1, 2, 5))},
            r"x has shape \(2, 3, 3\); .*; h0 has shape \(1, 2, 4\); expected \(1, 2, 5\): \(layer, batch, unit\)$",
        ),
        ({"lengths": [1.5, 1]}, r"lengths holds 1\.5, which is not an integer"),
        ({"lengths": [np.inf, 1]}, "lengths holds inf, which is not an integer"),
        ({"lengths": [1e30, 1]}, r"lengths holds 1e\+30, which is not an integer"),
        ({"x": np.zeros((0, 3, 4))}, r"x has shape \(0, 3, 4\): no sequence, so there is nothing to check: give at"),
        ({"x": np.zeros((2, 0, 4))}, r"x has shape \(2, 0, 4\): no time step, so there is nothing to check: give at"),
        ({"x": np.zeros((0, 4))}, r"x has shape \(0, 4\): no time step, "),
        ({"x": None}, r"x is missing; expected \(batch, time, input\) or \(time, input\)$"),
        ({"weights": {"weight_ih_l0": [[1, 2], [3]]}}, "weight_ih_l0 is a list that NumPy cannot read"),
        ({"weights": {1: np.zeros((20, 4))}}, "names of weights must be text, such as weight_ih_l0, not 1"),
    ],
)
def test_an_invalid_scenario_is_one_error_with_its_id(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=f"^mine/lstm: .*{message}"):
        certify(declared(**changes))


def test_saturation_is_determined_if_nothing_is_declared() -> None:
    weights = {name: tensor * 40 for name, tensor in trained().state_dict().items()}
    assert "saturated" in certify(declared(weights=weights)).features
    assert "saturated" not in certify(declared()).features
    with pytest.raises(Refused, match="declare it saturated"):
        certify(replace(declared(weights=weights), declared=()))
