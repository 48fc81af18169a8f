"""The built-in cells: the four standard ones, and the dialects, which libraries ship under the same names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnn_goldens.golden.shapes import STACKED, Layout

_STANDARD = {
    "rnn_tanh": Layout("h"),
    "rnn_relu": Layout("h"),
    "lstm": Layout("ifgo", ("h", "c")),
    "gru": Layout("rzn"),
}
"""The standard cells, with PyTorch's gate order."""

CELLS = tuple(_STANDARD)


@dataclass(frozen=True)
class Dialect:
    """Other equations that libraries ship under the name of a standard cell."""

    base: str  # the standard cell
    meaning: str  # how it differs: "a gru with ..."
    options: Mapping[str, Any] = field(default_factory=dict)  # that select it: ONNX's attributes where ``in_onnx``
    layout: Layout | None = None  # gates, states and weights; those of the standard cell if None
    in_onnx: bool = True  # whether ONNX's operators have it

    @property
    def option(self) -> str:
        """The options as text: "linear_before_reset=0"; the parts of a list are separated by slashes."""
        lists = {name: value if isinstance(value, list) else [value] for name, value in self.options.items()}
        texts = {n: [part if isinstance(part, str) else f"{part:g}" for part in parts] for n, parts in lists.items()}
        return ", ".join(f"{name}={'/'.join(parts)}" for name, parts in texts.items())


def _activation(name: str, **parameters: float) -> Dialect:
    return Dialect("rnn_tanh", f"the activation {name}", _activations(name, **parameters))


def _activations(*names: str, **parameters: float) -> dict[str, Any]:
    """Return ONNX's attributes. ``parameters`` are ``alpha`` and ``beta`` of the first function."""
    lists = {f"activation_{parameter}": [value] for parameter, value in parameters.items()}
    return {"activations": list(names), **lists}


_LSTM = _STANDARD["lstm"]
_PROJECTED = Layout("ifgo", ("h", "c"), (*STACKED, ("weight_hr", "PH")))
_HARD = {"alpha": 1 / 5, "beta": 1 / 2}
_SIXTH = {"alpha": 1 / 6, "beta": 1 / 2}

DIALECTS: Mapping[str, Dialect] = {
    "gru_reset_before": Dialect("gru", "the reset gate before the product", {"linear_before_reset": 0}),
    "lstm_peephole": Dialect(
        "lstm",
        "peepholes: the gates i and f see the old c, o sees the new c",
        {"use_peepholes": 1},
        Layout("ifgo", ("h", "c"), (*STACKED, ("p_i", "H"), ("p_f", "H"), ("p_o", "H"))),
    ),
    "lstm_projection": Dialect("lstm", "a projection of h", {"proj_size": 2}, _PROJECTED, in_onnx=False),
    "lstm_projection_clip": Dialect(
        "lstm", "a projection of h that is clipped", {"proj_size": 2, "proj_clip": 0.25}, _PROJECTED, in_onnx=False
    ),
    "lstm_input_forget": Dialect("lstm", "the forget gate f = 1 - i", {"input_forget": 1}),
    "lstm_coupled_input": Dialect(
        "lstm", "the input gate i = 1 - f", {"coupled_input": 1}, Layout("fgo", ("h", "c")), in_onnx=False
    ),
    "lstm_cell_clip": Dialect("lstm", "a stored c that is clipped", {"cell_clip": 0.5}, in_onnx=False),
    **{
        f"{base}_clip": Dialect(base, "clipped inputs of activations", {"clip": 1.0})
        for base in ("rnn_tanh", "lstm", "gru")
    },
    **{
        f"{base}_reverse": Dialect(base, "the reverse direction only", {"direction": "reverse"})
        for base in ("rnn_tanh", "lstm", "gru")
    },
    "lstm_hard_sigmoid": Dialect(
        "lstm", "hard sigmoids of slope 1/5", _activations("HardSigmoid", "Tanh", "Tanh", **_HARD)
    ),
    "lstm_hard_sigmoid_sixth": Dialect(
        "lstm", "hard sigmoids of slope 1/6", _activations("HardSigmoid", "Tanh", "Tanh", **_SIXTH)
    ),
    "gru_hard_sigmoid": Dialect("gru", "hard sigmoids of slope 1/5", _activations("HardSigmoid", "Tanh", **_HARD)),
    "gru_hard_sigmoid_sixth": Dialect(
        "gru", "hard sigmoids of slope 1/6", _activations("HardSigmoid", "Tanh", **_SIXTH)
    ),
    "lstm_activations": Dialect(
        "lstm",
        "three activations that take parameters",
        {
            "activations": ["HardSigmoid", "Elu", "ScaledTanh"],
            "activation_alpha": [0.25, 0.75, 1.25],
            "activation_beta": [0.5, 0.875],
        },
    ),
    "rnn_sigmoid": _activation("Sigmoid"),
    "rnn_affine": _activation("Affine", alpha=0.75, beta=0.25),
    "rnn_leaky_relu": _activation("LeakyRelu", alpha=0.125),
    "rnn_scaled_tanh": _activation("ScaledTanh", alpha=1.25, beta=0.875),
    "rnn_hard_sigmoid": _activation("HardSigmoid", **_HARD),
    "rnn_elu": _activation("Elu", alpha=0.75),
    "rnn_thresholded_relu": _activation("ThresholdedRelu", alpha=0.75),
    "rnn_softsign": _activation("Softsign"),
    "rnn_softplus": _activation("Softplus"),
}
"""The dialects by name. A selection that names none of them has standard and custom cells only."""

LAYOUTS: dict[str, Layout] = _STANDARD | {
    name: dialect.layout or _STANDARD[dialect.base] for name, dialect in DIALECTS.items()
}


def standard_cell(cell: str) -> str:
    """Return the standard cell that a dialect changes; for any other cell, the cell itself."""
    return DIALECTS[cell].base if cell in DIALECTS else cell
