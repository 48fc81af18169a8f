"""Typical mistakes in the network in NumPy (slips), each an edit of the network's source text.

Slips share no code with this project; each has the name of the equivalent deviation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_goldens import Golden
from rnn_goldens.deviations import deviation

TEXT = (Path(__file__).parent / "numpy_network.py").read_text("utf-8")
"""The correct network."""


@dataclass(frozen=True)
class Slip:
    """A mistake.

    Attributes:
        deviation: name of the equivalent deviation in the catalogue.
        edits: pairs of a text, which occurs once, and its replacement.
        in_cells: the cells that it applies to; empty for all cells of the deviation.
    """

    deviation: str
    edits: tuple[tuple[str, str], ...]
    in_cells: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells that it applies to."""
        return self.in_cells or deviation(self.deviation).cells


def outputs(golden: Golden, edits: Sequence[tuple[str, str]] = ()) -> tuple[Any, ...]:
    """Return the outputs of the network in NumPy after some edits of its text."""
    text = TEXT
    for find, replacement in edits:
        if text.count(find) != 1:
            raise ValueError(f"{find!r} occurs {text.count(find)} times")
        text = text.replace(find, replacement)
    module: dict[str, Any] = {"__name__": "slipped"}
    exec(compile(text, "slipped", "exec"), module)
    stored = golden.stored
    states = [golden.h0, golden.c0] if golden.cell == "lstm" else [golden.h0]
    return tuple(
        module["network"](
            golden.cell,
            weights=golden.weights,
            x=golden.x,
            initial=None if stored.h0 is None else states,
            lengths=golden.lengths,
            num_layers=golden.network.num_layers,
            suffixes=["", "_reverse"][: golden.network.num_directions],
        )
    )


OF_X = 'affine(x[:, t], w["weight_ih"], w["bias_ih"])'
OF_H = 'affine(state[0], w["weight_hh"], w["bias_hh"])'
C, H = "c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)", "return [sigmoid(o) * np.tanh(c), c]"
N, MIX = "n = np.tanh(x_n + r * h_n)", "return [(1 - z) * n + z * state[0]]"
AFTER = "after = step(cell, of_x, of_h, state)"
EMIT = "out[:, t] = np.where(running, state[0], 0)"
START = "state = [part[len(last)] for part in initial] if initial else [zeros, zeros]"
ORDER = 'order = range(time) if suffix == "" else reversed(range(time))'
JOIN = "x = np.concatenate(outs, axis=-1)"
FINALS = "finals = [np.stack(parts) for parts in zip(*last, strict=True)]"
LENGTHS = "lengths = np.full(batch, time)\n"


def _one(deviation: str, find: str, text: str, *cells: str) -> Slip:
    return Slip(deviation, ((find, text),), cells)


SLIPS: tuple[Slip, ...] = (
    _one("lstm_gates_figo", "i, f, g, o = np.split", "f, i, g, o = np.split"),
    Slip("gru_gates_zrn", (("x_r, x_z, x_n = np", "x_z, x_r, x_n = np"), ("h_r, h_z, h_n = np", "h_z, h_r, h_n = np"))),
    _one("biases_missing", "return product if bias is None else np.asarray(product + bias)", "return product"),
    _one("b_hh_missing", OF_H, 'affine(state[0], w["weight_hh"], None)'),
    _one("b_ih_overwritten_by_b_hh", OF_X, OF_X.replace("bias_ih", "bias_hh")),
    _one("float16_products", "v @ matrix.T", "v.astype('e').astype(v.dtype) @ matrix.astype('e').astype(v.dtype).T"),
    _one("tanh_for_sigmoid", "1 / (1 + np.exp(-z))", "np.tanh(z)"),
    _one("relu_missing", "np.maximum(of_x + of_h, 0)", "of_x + of_h"),
    _one("lstm_gates_coupled", C, "c = sigmoid(f) * state[1] + (1 - sigmoid(f)) * np.tanh(g)"),
    _one("lstm_candidate_by_sigmoid", C, C.replace("np.tanh(g)", "sigmoid(g)")),
    _one("lstm_output_without_tanh", H, "return [sigmoid(o) * c, c]"),
    _one("gru_reset_on_input", N, "n = np.tanh(r * x_n + h_n)"),
    _one("gru_z_complemented", MIX, "return [z * n + (1 - z) * state[0]]"),
    _one("leaky_integration", AFTER, f"{AFTER}\n        after = [(a + b) / 2 for a, b in zip(after, state)]"),
    Slip("state_of_row_before", (
        ("of_x = affine(", "fed = [np.roll(part, 1, axis=0) for part in state]\n        of_x = affine("),
        (OF_H, OF_H.replace("state", "fed")),
        (AFTER, AFTER.replace("state", "fed")),
    )),
    _one("out_is_c", EMIT, EMIT.replace("state[0]", "state[1]"), "lstm"),
    _one("outputs_not_zeroed", EMIT, "out[:, t] = state[0]"),
    _one("state_zeroed_in_padding",
         "state = [np.where(running, new, old) for new, old in zip(after, state, strict=True)]",
         "state = [new * running for new in after]"),
    _one("padding_in_front", "running = (t < lengths)[:, None]", "running = (t >= x.shape[1] - lengths)[:, None]"),
    _one("lengths_one_too_short", LENGTHS, LENGTHS + "    else:\n        lengths = lengths - 1\n"),
    _one("reverse_not_reversed", ORDER, "order = range(time)"),
    _one("reverse_uses_forward_weights", "str(layer) + suffix", "str(layer)"),
    _one("h0_of_first_layer_for_all", START, START.replace("part[len(last)]", "part[len(outs)]")),
    _one("state_buffer_shared_by_layers", START,
         f"{START}\n            state = last[-len(suffixes)] if layer else state"),
    _one("directions_joined_in_wrong_order", JOIN, "x = np.concatenate(outs[::-1], axis=-1)"),
    _one("directions_interleaved", JOIN, "x = np.stack(outs, axis=-1).reshape(*x.shape[:2], -1)"),
    _one("residual_between_layers", "outs.append(out)",
         "outs.append(out + x if layer and x.shape == out.shape else out)"),
    _one("h_n_layers_reversed", FINALS,
         f"{FINALS}\n    finals = [f.reshape(num_layers, -1, *f.shape[1:])[::-1].reshape(f.shape) for f in finals]"),
)  # fmt: skip
