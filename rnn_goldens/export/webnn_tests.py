"""Exports goldens as tests of the Web Neural Network API, in the form of the web-platform-tests.

One file per operator, for ``webnn/conformance_tests/`` of the web-platform-tests, beside ``gru.https.any.js`` there:
``gru_goldens.https.any.js``, ``lstm_goldens.https.any.js``, and for one operator per time step
``gru_cell_goldens.https.any.js`` and ``lstm_cell_goldens.https.any.js``. Each golden is a test; its expected outputs
have ``tolerance``, with one number per element. ``webnn_tests.js`` is the frame of a file.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import Unsupported
from rnn_goldens.export.exported_golden import ITSELF, Exported, Files, allowed, by_direction, expected
from rnn_goldens.golden.built_in_cells import standard_cell
from rnn_goldens.implementations.network_construction import batched

Array = NDArray[Any]
Test = dict[str, Any]

CELLS = ("lstm", "gru", "gru_reset_before", "lstm_reverse", "gru_reverse")
"""The cells that WebNN's operators compute. The output gate of its LSTM with peepholes sees the old c, not the new one
as in ONNX: W3C's webnn-baseline, ``lstm_cell.js``."""

_FILES = {
    "gru": "gru_goldens.https.any.js",
    "gruCell": "gru_cell_goldens.https.any.js",
    "lstm": "lstm_goldens.https.any.js",
    "lstmCell": "lstm_cell_goldens.https.any.js",
}

_STATES = {"gru": {"h0": "initialHiddenState"}, "lstm": {"h0": "initialHiddenState", "c0": "initialCellState"}}
_CELL_STATES = {"gru": ("hiddenState",), "lstm": ("hiddenState", "cellState")}
"""The operands of the initial states: of ``gru`` and ``lstm``, and of ``gruCell`` and ``lstmCell``."""

_LAYOUT = {"gru": "zrn", "lstm": "iofg"}
"""The orders of gates that WebNN shares with ONNX."""

_DIRECTIONS = {"forward": "forward", "reverse": "backward", "bidirectional": "both"}
"""WebNN's names of ONNX's directions."""

_MOST_STEPS = 10
"""The longest sequence that is exported for an operator of one time step."""


def webnn_tests(golden: Golden) -> Exported:
    """Return the tests of a golden, a part of each operator's file. Raises Unsupported if no operator computes it."""
    if golden.cell == "lstm_peephole":
        raise Unsupported("with peepholes, WebNN's output gate sees the old c, the golden's the new c")
    if golden.cell not in CELLS:
        raise Unsupported(f"WebNN has no operator for {golden.cell}")
    if golden.network.num_layers > 1:
        raise Unsupported("WebNN's operators have one layer")
    if golden.lengths is not None:
        raise Unsupported("WebNN's operators have no lengths")
    if golden.dtype != "float32":
        raise Unsupported("tests are exported in float32 only")
    operator = standard_cell(golden.cell)
    tests = {operator: _network_test(golden, operator)}
    if golden.network.onnx_direction == "forward" and golden.time <= _MOST_STEPS:
        tests[f"{operator}Cell"] = _cell_test(golden, operator)
    parts = {_FILES[name]: json.dumps(test, ensure_ascii=False).encode("utf-8") for name, test in tests.items()}
    return Exported(golden.id, "", parts)


def joined(goldens: Sequence[Exported]) -> Files:
    """Return a file for each operator with the tests of all goldens."""
    before, after = Path(__file__).with_suffix(".js").read_text("utf-8").split("  // GOLDENS\n")
    found = []
    for operator, name in _FILES.items():
        if tests := [golden.files[name] for golden in goldens if name in golden.files]:
            head = before.replace("{operator}", operator).encode("utf-8")
            content = head + b"".join(b"  " + test + b",\n" for test in tests) + after.encode("utf-8")
            found.append(Exported(name, name, {ITSELF: content}))
    return Files((), found)


def _network_test(golden: Golden, operator: str) -> Test:
    weights = _weights(golden)
    inputs = {"input": batched(golden, "x", golden.x).swapaxes(0, 1), **weights}
    states = {name: batched(golden, name, array) for name, array in golden.given_states.items()}
    inputs |= {_STATES[operator][name]: array for name, array in states.items()}
    options = {name: name for name in inputs if name not in ("input", "weight", "recurrentWeight")}
    direction = _DIRECTIONS[golden.network.onnx_direction]
    arguments = [
        *({name: name} for name in ("input", "weight", "recurrentWeight")),
        {"steps": golden.time},
        {"hiddenSize": golden.network.hidden_size},
        {"options": {**options, **_equations(golden, operator), "returnSequence": True, "direction": direction}},
    ]
    outputs, tolerance = (by_direction(golden, arrays) for arrays in (expected(golden), allowed(golden)))
    outputs["out"] = outputs.pop("out")  # WebNN's operators return the last states first
    operators = [{"name": operator, "arguments": arguments, "outputs": list(outputs)}]
    return _test(golden, inputs, set(weights), operators, outputs, tolerance)


def _cell_test(golden: Golden, operator: str) -> Test:
    """Return a test with one operator per time step, each with the states of the one before."""
    weights = {name: array[0] for name, array in _weights(golden).items()}
    x = batched(golden, "x", golden.x)
    states = [batched(golden, name, array)[0] for name, array in golden.states.items()]
    given = dict(zip(_CELL_STATES[operator], states, strict=True))
    inputs = {**{f"input{t}": x[:, t] for t in range(golden.time)}, **weights, **given}
    options = {name: name for name in weights if name not in ("weight", "recurrentWeight")}
    operators, last = [], list(given)
    for t in range(golden.time):
        results = [f"{state}_{t}" for state in ("h", "c")[: len(last)]]
        arguments = [
            {"input": f"input{t}"},
            {"weight": "weight"},
            {"recurrentWeight": "recurrentWeight"},
            *({name: before} for name, before in zip(_CELL_STATES[operator], last, strict=True)),
            {"hiddenSize": golden.network.hidden_size},
            {"options": {**options, **_equations(golden, operator)}},
        ]
        outputs = results if len(results) > 1 else results[0]
        operators.append({"name": f"{operator}Cell", "arguments": arguments, "outputs": outputs})
        last = results
    wanted, tolerance = (_by_step(golden, arrays) for arrays in (expected(golden), allowed(golden)))
    return _test(golden, inputs, set(weights), operators, wanted, tolerance)


def _by_step(golden: Golden, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return out of each time step, and the last states, as the cells' outputs."""
    out, last = batched(golden, "out", arrays["out"]), golden.time - 1
    states = {f"{name[0]}_{last}": batched(golden, name, a)[0] for name, a in arrays.items() if name != "out"}
    return {**{f"h_{t}": out[:, t] for t in range(last)}, **states}


def _test(
    golden: Golden,
    inputs: Mapping[str, Array],
    constants: set[str],
    operators: Sequence[Mapping[str, Any]],
    outputs: Mapping[str, Array],
    tolerance: Mapping[str, Array],
) -> Test:
    given = {
        name: {**_operand(array), "constant": True} if name in constants else _operand(array)
        for name, array in inputs.items()
    }
    wanted = {name: {**_operand(a), "tolerance": tolerance[name].ravel().tolist()} for name, a in outputs.items()}
    graph = {"inputs": given, "operators": list(operators), "expectedOutputs": wanted}
    return {"name": f"{golden.id}: {golden.purpose}", "graph": graph}


def _operand(array: Array) -> dict[str, Any]:
    descriptor = {"shape": list(array.shape), "dataType": "float32"}
    return {"data": array.astype(np.float64).ravel().tolist(), "descriptor": descriptor}


def _weights(golden: Golden) -> dict[str, Array]:
    """Return WebNN's weights: those of ONNX, with the biases of input and recurrence apart."""
    onnx = golden.weights_as("onnx")
    found = {"weight": onnx["l0/W"], "recurrentWeight": onnx["l0/R"]}
    if "l0/B" in onnx:
        found["bias"], found["recurrentBias"] = np.split(onnx["l0/B"], 2, axis=-1)
    return found


def _equations(golden: Golden, operator: str) -> dict[str, Any]:
    layout = {"layout": _LAYOUT[operator]}
    return layout if operator == "lstm" else {"resetAfter": golden.cell != "gru_reset_before", **layout}
