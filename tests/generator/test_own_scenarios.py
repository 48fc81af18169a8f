"""Questions of one's own: weights from where people have them, in the precisions that they are numbers of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from rnn_goldens import Config, Refused, RnnGoldensError, Scenario, certify, load
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import CELLS

HALVES = ["float64", "float32"]
X = np.linspace(-1, 1, 2 * 3 * 4).reshape(2, 3, 4).astype(np.float32)


def trained(cell: Callable[..., nn.RNNBase] = nn.LSTM, **arguments: Any) -> nn.RNNBase:
    torch.manual_seed(0)
    return cell(4, 5, **{"batch_first": True, **arguments})


def asked(**changes: Any) -> Scenario:
    fields: dict[str, Any] = {
        "id": "mine/lstm",
        "purpose": "To be asked.",
        "cell": "lstm",
        "weights": trained().state_dict(),
        "x": X,
        "precisions": HALVES,
    }
    return Scenario(**{**fields, **changes})


def test_a_state_dict_is_enough_to_know_the_network() -> None:
    golden = certify(asked())
    assert golden.config == Config(4, 5)
    assert golden.precisions == ("float64", "float32")
    with torch.no_grad():
        out, (h_n, c_n) = trained()(torch.tensor(X))
    golden.in_precision("float32").check(out, (h_n, c_n))
    golden.in_precision("float32").check_fails(out, (h_n, h_n))


@pytest.mark.parametrize("arguments", [{"num_layers": 2}, {"bidirectional": True}, {"bias": False}], ids=str)
def test_its_shape_is_read_off_the_names(arguments: dict[str, Any]) -> None:
    golden = certify(asked(weights=trained(**arguments).state_dict()))
    assert golden.config == Config(4, 5, **arguments)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_weights_may_stand_in_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    weights = {f"encoder.{name}": tensor for name, tensor in trained().state_dict().items()} | {"w": torch.ones(2)}
    if suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in weights.items()})
    else:
        save_file(weights, path)
    found = certify(asked(weights=path, prefix="encoder."))
    assert np.array_equal(found.out, certify(asked()).out)
    with pytest.raises(Refused, match=r"no weight_ih_l0, but encoder\..*; say prefix='encoder\.'$"):
        certify(asked(weights=str(path)))
    for part in ("encoder", "e"):
        with pytest.raises(Refused, match=rf"no {part}weight_ih_l0, but encoder\..*; say prefix='encoder\.'$"):
            certify(asked(weights=str(path), prefix=part))
    with pytest.raises(Refused, match=r"no weight's name begins with 'decoder\.'; there are encoder"):
        certify(asked(weights=path, prefix="decoder."))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_that_holds_no_weights_is_one_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"no weights")
    with pytest.raises(Refused, match=rf"^mine/lstm: {path}: can not be read: "):
        certify(asked(weights=path))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_safetensors_hold_what_the_state_dict_holds_whatever_its_type(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "model.safetensors"
    stored = {name: tensor.to(dtype) for name, tensor in trained().state_dict().items()}
    model = {f"encoder.{name}": tensor for name, tensor in stored.items()}
    save_file({**model, "steps": torch.tensor(3), "done": torch.tensor([True])}, path)
    assert np.array_equal(certify(asked(weights=path, prefix="encoder.")).out, certify(asked(weights=stored)).out)


def test_of_two_networks_each_is_named_by_its_prefix() -> None:
    weights = {f"{network}.{name}": w for network in ("enc", "dec") for name, w in trained().state_dict().items()}
    with pytest.raises(Refused, match=r"enc\.weight_ih_l0, .*; say prefix='enc\.' or 'dec\.'$"):
        certify(asked(weights=weights))
    with pytest.raises(Refused, match=r"m/weight_ih_l0, .*; say prefix='m/'$"):
        certify(asked(weights={"m": trained().state_dict()}))


def test_weights_of_a_type_that_numpy_has_not_are_refused_with_the_way(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({name: tensor.to(torch.float8_e4m3fn) for name, tensor in trained().state_dict().items()}, path)
    with pytest.raises(Refused, match=r"is F8_E4M3; what NumPy has no type for, read with torch"):
        certify(asked(weights=path))


def test_a_golden_is_in_the_widest_precision_that_it_was_asked_in() -> None:
    assert certify(asked()).dtype == "float64"
    assert certify(asked(precisions="float32")).dtype == "float32"


@pytest.mark.parametrize("convention", ["torch", "keras", "onnx", "flax"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_weights_of_every_convention_are_taken(cell: str, convention: str) -> None:
    golden = load(f"{cell}/no-bias", dtype="float64")
    found = certify(
        asked(
            cell=cell,
            weights=golden.weights_as(convention),
            convention=convention,
            config=golden.config,
            x=golden.x,
        )
    )
    assert np.array_equal(found.out, golden.out)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_of_torch_is_asked_as_a_whole(cell: str, batch_first: bool) -> None:
    kinds: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU}
    kind = kinds.get(cell, nn.RNN)
    more = {"nonlinearity": cell.removeprefix("rnn_")} if kind is nn.RNN else {}
    layer = trained(kind, batch_first=batch_first, bidirectional=True, **more)
    x = torch.tensor(X if batch_first else X.swapaxes(0, 1))
    state = torch.full((2, 2, 5), 0.25)
    given = (state, state / 2) if cell == "lstm" else state
    golden = certify(Scenario.from_torch(layer, x, given, id="mine/layer", purpose="To be asked."))
    assert (golden.cell, golden.config) == (cell, Config(4, 5, bidirectional=True))
    assert np.array_equal(golden.x, X)
    with torch.no_grad():
        out, states = layer(x, given)
    golden.in_precision("float32").check(out if batch_first else out.swapaxes(0, 1), states)


def test_a_module_that_no_golden_asks_is_refused() -> None:
    def refused(module: nn.Module, message: str) -> None:
        with pytest.raises(Refused, match=f"^mine/layer: {message}"):
            Scenario.from_torch(module, X, id="mine/layer", purpose="Refused.")  # type: ignore[arg-type]

    refused(nn.Linear(4, 5), r"a Linear is no nn\.RNN, nn\.LSTM or nn\.GRU")
    refused(nn.LSTM(4, 5, proj_size=3), "the module has a projection")
    refused(nn.GRU(4, 5, num_layers=2, dropout=0.5), r".*in training: call module\.eval\(\) first")
    Scenario.from_torch(nn.GRU(4, 5, num_layers=2, dropout=0.5).eval(), X, id="mine/layer", purpose="Not refused.")


def test_what_a_module_does_not_take_is_refused() -> None:
    def refused(message: str, module: nn.RNNBase, x: Any, state: Any = None) -> None:
        with pytest.raises(Refused, match=f"^mine/layer: {message}"):
            Scenario.from_torch(module, x, state, id="mine/layer", purpose="Refused.")

    h = torch.zeros(1, 2, 5)
    packed = nn.utils.rnn.pack_padded_sequence(torch.tensor(X), [3, 1], batch_first=True)
    refused(r"x is a PackedSequence: give the padded x and lengths=$", trained(), packed)
    refused("x is of type str, of which torch makes no tensor", trained(), "abc")
    refused(r"the state is 3 arrays; an nn\.LSTM takes a pair, \(h0, c0\)$", trained(), X, (h, h, h))
    refused(r"the state is 1 array; an nn\.LSTM takes a pair", trained(), X, h)
    refused(r"the state is 2 arrays; an nn\.GRU takes one, h0$", trained(nn.GRU), X, (h, h))


def test_numbers_so_large_that_sums_overflow_are_refused_in_words_and_without_warnings() -> None:
    weights = {name: np.full(np.shape(w), 1e300) for name, w in trained(nn.RNN).state_dict().items()}
    with pytest.raises(Refused, match=r"^mine/lstm: numbers are so large that sums on the way overflow: no tolerance"):
        certify(asked(cell="rnn_relu", weights=weights, x=X.astype(float) + 2, precisions=["float64"]))


def test_what_a_module_is_can_not_be_said_otherwise() -> None:
    def refused(message: str, module: nn.RNNBase, **fields: Any) -> None:
        with pytest.raises(Refused, match=f"^mine/layer: {message}"):
            Scenario.from_torch(module, X, id="mine/layer", purpose="Refused.", **fields)

    relu = nn.RNN(4, 5, nonlinearity="relu")
    refused("the module is of the cell rnn_relu, not 'rnn_tanh': leave cell out", relu, cell="rnn_tanh")
    refused("config follows from the module: leave it out", relu, config=Config(4, 6))
    refused("weights follows from the module: leave it out", relu, weights={})
    Scenario.from_torch(relu, X, id="mine/layer", purpose="Not refused.", cell="rnn_relu", title="A layer")


def test_a_module_for_weights_is_told_the_two_ways() -> None:
    with pytest.raises(Refused, match=r"of type LSTM: .*; give its state_dict\(\), or ask it .*Scenario\.from_torch"):
        certify(asked(weights=trained()))


def test_a_refusal_says_which_numbers_and_that_precisions_are_the_way() -> None:
    with pytest.raises(
        Refused,
        match=r"weight_ih_l0 holds -?0\.\d+ \(and \d+ more such\), which is no bfloat16 number; "
        r"ask only in those that hold all of it: precisions=\['float64', 'float32'\]",
    ):
        certify(asked(precisions=["float64", "float32", "bfloat16"]))
    with pytest.raises(Refused, match=r"x holds 0\.1 .*no float32 number; .*precisions=\['float64'\]"):
        certify(asked(x=np.full((2, 3, 4), 0.1)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell": "lsmt"}, "no cell 'lsmt'. Cells: rnn_tanh, rnn_relu, lstm, gru"),
        ({"cell": "gru"}, r"weight_ih_l0 is \(20, 4\), not \(15, 4\)"),
        ({"weights": {"weight_ih_l0": np.zeros((20, 4)), "weight_hh_l0": np.zeros(3)}}, "no two matrices"),
        ({"weights": 3}, "weights are of type int: no mapping of names to arrays, file of them or layer of Keras"),
        (
            {"weights": "nothing.npz"},
            rf"nothing\.npz: there is no {Path.cwd()}/nothing\.npz: a path starts at the working",
        ),
        ({"weights": "nothing.npz"}, r"beside the file of scenarios it is Path\(__file__\)\.parent / 'nothing\.npz'$"),
        ({"weights": Path("/nothing.npz")}, r"/nothing\.npz: can not be read: No such file"),
        ({"cell": "my-sc:inner"}, "cell 'my-sc:inner': 'my-sc' is no module's name, .*: rename the file"),
        ({"weights": "model.pt"}, r"model\.pt: a file of weights ends in \.npz or \.safetensors"),
        ({"convention": "keras"}, "weights as keras has them do not say what network they are of: say config"),
        ({"config": {"hidden": 5}}, "no argument 'hidden'. Did you mean 'hidden_size'"),
        ({"x": X[..., :3]}, r"inputs/x: has shape \(2, 3, 3\), the configuration asks for \(2, 3, 4\)"),
        ({"x": X[0, 0]}, r"inputs/x: has 1 axes; it is \(batch, time, input\)"),
        ({"x": X * np.nan}, "x holds NaN or infinity"),
        ({"x": "abc"}, "x "),
        ({"h0": np.zeros((1, 2, 5))}, "c0 is missing"),
        ({"h0": np.zeros((2, 2, 5)), "c0": np.zeros((1, 2, 5))}, r"inputs/h0: has shape \(2, 2, 5\)"),
        ({"lengths": [9, 1]}, r"inputs/lengths: \[9, 1\] is not within 1 and the 3 time steps"),
        ({"lengths": [1.5, 1]}, r"lengths holds 1\.5, no whole number"),
        ({"lengths": [np.inf, 1]}, "lengths holds inf, no whole number"),
        ({"lengths": [1e30, 1]}, r"lengths holds 1e\+30, no whole number"),
        ({"x": np.zeros((0, 3, 4))}, r"inputs/x: has shape \(0, 3, 4\); there is at least one sequence, and one time"),
        ({"x": np.zeros((2, 0, 4))}, r"inputs/x: has shape \(2, 0, 4\); there is at least one sequence, and one time"),
        ({"x": None}, r"x is None; it is the input"),
        ({"weights": {"weight_ih_l0": [[1, 2], [3]]}}, "weight_ih_l0 is a list that NumPy can not read"),
        ({"weights": {1: np.zeros((20, 4))}}, "weights have names, such as weight_ih_l0; 1 is none"),
    ],
)
def test_what_does_not_fit_is_one_error_that_names_the_scenario(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=f"^mine/lstm: .*{message}"):
        certify(asked(**changes))


def test_precisions_that_there_are_not_are_errors_where_they_stand() -> None:
    with pytest.raises(RnnGoldensError, match="no precision 'float8'"):
        asked(precisions=["float8"])
    with pytest.raises(RnnGoldensError, match="precisions is empty"):
        asked(precisions=[])
    assert asked(precisions="float32").precisions == ("float32",)


def test_what_is_saturated_is_found_where_nothing_is_declared() -> None:
    weights = {name: tensor * 40 for name, tensor in trained().state_dict().items()}
    assert "saturated" in certify(asked(weights=weights)).features
    assert "saturated" not in certify(asked()).features
    with pytest.raises(Refused, match="declare it saturated"):
        certify(replace(asked(weights=weights), declared=()))


@pytest.mark.parametrize("golden_id", ["mine", "Mine/lstm", "mine/my lstm", "mine/", "mine/a_b"])
def test_an_id_that_is_none_is_an_error_where_it_is_declared(golden_id: str) -> None:
    with pytest.raises(WrongUse, match=r"is no golden's id: it is folder/name in small letters, digits and dashes"):
        asked(id=golden_id)


def test_a_scenario_has_a_purpose() -> None:
    with pytest.raises(WrongUse, match="mine/lstm: purpose is empty; it is a sentence"):
        asked(purpose=" ")
