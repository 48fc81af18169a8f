"""ONNX files are checked unchanged, with weights as inputs or initializers, in ONNX's or PyTorch's layout."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, GoldenMismatch, Unsupported
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt

onnx = pytest.importorskip("onnx", reason="ONNX files need onnx")
pytest.importorskip("onnxruntime", reason="ONNX files are run in onnxruntime")
torch = pytest.importorskip("torch", reason="torch exports ONNX files")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from rnn_goldens.implementations.onnx_model import network_model  # noqa: E402
from rnn_goldens.implementations.resolution import dialects_of  # noqa: E402
from rnn_goldens.implementations.torch import cells, kept_layer  # noqa: E402

CORPUS = open_corpus()
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c")


def lstm_file(
    folder: Path,
    *,
    inputs: Sequence[str] = INPUTS,
    hidden: int = 3,
    stored: Golden | None = None,
    kind: int = TensorProto.FLOAT,
) -> str:
    """Write a file with one LSTM node in ONNX's layout (time first, out with a direction axis); return its path."""
    node = helper.make_node("LSTM", [n if n in inputs else "" for n in INPUTS], ["Y", "Y_h", "Y_c"], hidden_size=hidden)
    weights = {} if stored is None else {n.removeprefix("l0/"): a for n, a in stored.weights_as("onnx").items()}
    ranks, kinds = {"B": 2, "sequence_lens": 1}, {"sequence_lens": TensorProto.INT32}
    graph = helper.make_graph(
        [node],
        "users",
        [
            helper.make_tensor_value_info(n, kinds.get(n, kind), [None] * ranks.get(n, 3))
            for n in inputs
            if n not in weights
        ],
        [helper.make_tensor_value_info(n, kind, None) for n in ("Y", "Y_h", "Y_c")],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    path = folder / "lstm.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), path)
    return str(path)


def exported(network: Any, golden: Golden, path: Path) -> Path:
    """Export a torch module that has the golden's weights; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    states = tuple(map(torch.tensor, golden.given_states.values()))
    inputs = (torch.tensor(golden.x), *([states[0] if len(states) == 1 else states] if states else []))
    with warnings.catch_warnings(action="ignore"):  # of an older exporter
        torch.onnx.export(network, inputs, path, input_names=["x", *golden.given_states], dynamo=False)
    return path


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn-tanh"])
@pytest.mark.parametrize("name", ["bidirectional-two-layers", "bidirectional-no-state", "two-layers"])
def test_a_layer_exported_by_torch_passes(tmp_path: Path, cell: str, name: str) -> None:
    golden = CORPUS.load(f"{cell}/{name}", "float32")
    path = exported(kept_layer(golden), golden, tmp_path / f"{golden.id}.onnx")
    assert dialects_of(str(path)) == ()
    golden.check(*adapt(path)(golden))
    golden.check(*adapt(f"{tmp_path}/{{id}}.onnx")(golden))


class Loop(torch.nn.Module):  # type: ignore[name-defined, misc]
    """A cell that is called for each time step: an exporter unrolls the loop."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Any) -> Any:
        h, out = torch.zeros(len(x), self.cell.hidden_size), []
        for x_t in x.unbind(1):
            h = self.cell(x_t, h)
            out.append(h)
        return torch.stack(out, 1), h[None]


def test_an_unrolled_file_is_wrong_use_unless_it_is_that_of_one_golden(tmp_path: Path) -> None:
    golden = CORPUS.load("gru/square-no-state", "float32")
    path = exported(Loop(cells(golden)["l0"]), golden, tmp_path / f"{golden.id}.onnx")
    golden.check(*adapt(f"{tmp_path}/{{id}}.onnx")(golden))
    why = rf"^{path} has no operator RNN, LSTM or GRU and takes {golden.time} time steps only: its exporter unroll"
    with pytest.raises(WrongUse, match=why):
        adapt(path)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "time"
    onnx.save(model, path)
    adapt(path)


@pytest.mark.parametrize("golden_id", ["plain", "with-state", "lengths", "no-bias", "no-bias-with-state", "unbatched"])
def test_a_single_operator_with_weights_as_inputs_passes(tmp_path: Path, golden_id: str) -> None:
    golden = CORPUS.load(f"lstm/{golden_id}", "float32")
    golden.check(*adapt(lstm_file(tmp_path))(golden))


def test_a_golden_with_the_stored_weights_is_checked_and_others_are_refused(tmp_path: Path) -> None:
    golden, other = (CORPUS.load(f"lstm/{name}", "float32") for name in ("with-state", "one-sequence"))
    run = adapt(lstm_file(tmp_path, stored=golden))
    golden.check(*run(golden))
    with pytest.raises(Unsupported, match=r"stores other weights than this golden's: export one file per golden"):
        run(other)


def test_stored_weights_in_another_order_or_in_a_file_per_golden_are_not_refused(tmp_path: Path) -> None:
    golden, other = (CORPUS.load(f"lstm/{name}", "float32") for name in ("with-state", "one-sequence"))
    path = Path(lstm_file(tmp_path, stored=golden))
    model = onnx.load(path)
    recurrent = next(weights for weights in model.graph.initializer if weights.name == "R")
    recurrent.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(recurrent)[:, ::-1]), "R"))
    onnx.save(model, path)
    assert not golden.compare(*adapt(path)(golden)).passed
    (tmp_path / "lstm").mkdir()
    path.rename(tmp_path / f"{other.id}.onnx")
    assert not other.compare(*adapt(f"{tmp_path}/{{id}}.onnx")(other)).passed


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"clip": 3.0}, "the model's clip is 3, the golden's none"),
        ({"input_forget": 1}, "the model's input_forget is 1, the golden's 0"),
        (
            {"activations": ["Sigmoid", "Relu", "Tanh"]},
            "the model's activations are Sigmoid, Relu, Tanh, the golden's Sigmoid, Tanh, Tanh",
        ),
    ],
)
def test_a_golden_of_another_cell_than_that_of_the_file_is_refused(
    tmp_path: Path, attributes: dict[str, Any], why: str
) -> None:
    path = lstm_file(tmp_path)
    model = onnx.load(path)
    model.graph.node[0].attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    onnx.save(model, path)
    with pytest.raises(Unsupported, match=f"^{why}$"):
        adapt(path)(CORPUS.load("lstm/plain", "float32"))


@pytest.mark.parametrize("as_input", [True, False])
def test_peepholes_are_refused_unless_they_are_zero(tmp_path: Path, as_input: bool) -> None:
    golden, path = CORPUS.load("lstm/plain", "float32"), lstm_file(tmp_path)
    model = onnx.load(path)
    model.graph.node[0].input.append("P")
    peepholes = np.ones((1, 9), np.float32)
    if as_input:
        model.graph.input.append(helper.make_tensor_value_info("P", TensorProto.FLOAT, [1, 9]))
    else:
        model.graph.initializer.append(numpy_helper.from_array(peepholes, "P"))
    onnx.save(model, path)
    with pytest.raises(Unsupported, match=r"^the model's input P \(peepholes\) is given, the golden's none$"):
        adapt(path)(golden)
    if not as_input:
        model.graph.initializer[-1].CopyFrom(numpy_helper.from_array(0 * peepholes, "P"))
        onnx.save(model, path)
        golden.check(*adapt(path)(golden))


def test_a_gru_that_resets_before_the_product_is_refused_or_if_it_is_that_of_one_golden_wrong(tmp_path: Path) -> None:
    golden = CORPUS.load("gru/plain", "float32")
    model = network_model(golden).proto()
    node = next(node for node in model.graph.node if node.op_type == "GRU")
    del node.attribute[[attribute.name for attribute in node.attribute].index("linear_before_reset")]
    onnx.save(model, tmp_path / "gru.onnx")
    with pytest.raises(Unsupported, match=r"^the model's linear_before_reset is 0, the golden's 1$"):
        adapt(tmp_path / "gru.onnx")(golden)
    (tmp_path / "gru").mkdir()
    (tmp_path / "gru.onnx").rename(tmp_path / f"{golden.id}.onnx")
    with pytest.raises(GoldenMismatch, match="looks like gru_reset_before_product"):
        golden.check(*adapt(f"{tmp_path}/{{id}}.onnx")(golden))


def test_the_call_pattern_with_other_weights_is_left_out_for_stored_weights(tmp_path: Path) -> None:
    golden = CORPUS.load("lstm/with-state", "float32")
    verdicts = golden.compare_calls(adapt(lstm_file(tmp_path, stored=golden)), ["twice", "weights"])
    assert [verdict.passed for verdict in verdicts] == [True, True]
    assert len(golden.compare_calls(adapt(lstm_file(tmp_path)), ["twice", "weights"])) == 3


def test_a_file_that_onnx_runtime_cannot_run_is_one_error(tmp_path: Path) -> None:
    path = lstm_file(tmp_path)
    model = onnx.load(path)
    model.graph.node[0].op_type = "LongShortTerm"
    onnx.save(model, path)
    with pytest.raises(WrongUse, match=r"lstm\.onnx cannot be run by ONNX Runtime: "):
        adapt(path)


def test_a_pattern_names_one_file_per_golden(tmp_path: Path) -> None:
    golden = CORPUS.load("gru/lengths-bidirectional-two-layers", "float32")
    (tmp_path / "gru").mkdir()
    onnx.save(stored_model(golden), tmp_path / f"{golden.id}.onnx")
    run = adapt(f"{tmp_path}/{{id}}.onnx")
    golden.check(*run(golden))
    with pytest.raises(Unsupported, match=r"there is no file .*/\{id\}\.onnx for this golden"):
        run(CORPUS.load("gru/plain", "float32"))


def stored_model(golden: Golden) -> Any:
    """Return the golden's model with one h0 for all layers, as in the models that exporters write."""
    model = network_model(golden).proto()
    model.graph.input.remove(next(i for i in model.graph.input if i.name == "h0_l1"))
    next(i for i in model.graph.input if i.name == "h0_l0").name = "h0"
    del next(i for i in model.graph.input if i.name == "h0").type.tensor_type.shape.dim[0:1]
    model.graph.initializer.append(numpy_helper.from_array(np.array([2, 2]), "halves"))
    split = helper.make_node("Split", ["h0", "halves"], ["h0_l0", "h0_l1"], axis=0)
    nodes = [split, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    shape = model.graph.input[[i.name for i in model.graph.input].index("h0")].type.tensor_type
    shape.ClearField("shape")
    return model


@pytest.mark.parametrize(
    ("golden_id", "dtype", "why"),
    [
        ("gru/plain", "float32", "the model's operator is LSTM, the golden's GRU"),
        ("lstm/two-layers", "float32", "the model's number of layers is 1, the golden's 2"),
        ("lstm/bidirectional", "float32", "the model's direction is forward, the golden's bidirectional"),
        ("lstm/one-unit", "float32", "the model's hidden_size is 3, the golden's 1"),
        ("lstm/plain", "float64", "the model's X is float$"),
        ("lstm/lengths-no-state", "float32", "the model has no input lengths or sequence_lens"),
        ("lstm/with-state", "float32", "the model has no input h0 or initial_h"),
    ],
)
def test_an_unsupported_golden_is_refused(tmp_path: Path, golden_id: str, dtype: str, why: str) -> None:
    run = adapt(lstm_file(tmp_path, inputs=("X", "W", "R", "B")))
    with pytest.raises(Unsupported, match=why):
        run(CORPUS.load(golden_id, dtype))


def test_biases_without_an_input_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="inputs for weights but none for biases"):
        adapt(lstm_file(tmp_path, inputs=("X", "W", "R")))(CORPUS.load("lstm/plain", "float32"))


def test_an_input_of_another_name_is_an_error_that_lists_the_names(tmp_path: Path) -> None:
    path = lstm_file(tmp_path)
    model = onnx.load(path)
    model.graph.input[0].name = model.graph.node[0].input[0] = "features"
    onnx.save(model, path)
    with pytest.raises(WrongUse, match=r"the model has an input 'features'; known inputs: x, input, X, h0, initial_h"):
        adapt(path)(CORPUS.load("lstm/plain", "float32"))
