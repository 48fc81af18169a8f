"""The built-in linear recurrences: names and axes of their arrays, from which all shapes follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import BATCH, SEQUENCES, Layout
from rnn_goldens.plurals import listed

NamedAxes = Mapping[str, str]
"""By name of an array, the names of its axes, separated by spaces."""

BY_HEAD, BY_KEY = "head", "key"
"""The decay is one number for each head, or one for each key."""


@dataclass(frozen=True)
class RecurrenceLayout(Layout):
    """The names of the states and outputs of a recurrence.

    Attributes:
        compared: the states whose last values are outputs.
        result: the output at each time step.
        growing: names of the sizes in which a golden can be embedded.
    """

    compared: tuple[str, ...] = ()
    result: str = ""
    growing: tuple[str, ...] = ()

    most_states: ClassVar[int] = 1


@dataclass(frozen=True)
class Recurrence:
    """Names and axes of the arrays of a recurrence.

    An axis is a size of the configuration: ``heads``, ``d_k``. A lane is one sequence and one head; lanes do not depend
    on each other, except through weights.

    Attributes:
        meaning: one sentence.
        source: the paper or specification that defines it.
        inputs: axes after (batch, time).
        states: axes after batch. State S has the initial value ``S0`` and the last value ``S_n``.
        outputs: axes after (batch, time).
        weights: all axes; the same at each time step and in each sequence.
        compared: the states whose last values are compared; the others have no values that implementations agree on.
        options: options with their default values, None if a default depends on the sizes.
        optional: sizes that a configuration may leave out, with the axes of the arrays that differ if it has them.
        conditional: by name of an input, the option with which it exists: if it has not its default value.
        chunked: whether it has a tolerance for chunks, too.
        grows: whether a golden can be embedded in larger sizes.
    """

    meaning: str = field(compare=False)
    source: str = field(compare=False)
    inputs: NamedAxes
    states: NamedAxes
    outputs: NamedAxes
    weights: NamedAxes = field(default_factory=dict)
    compared: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: Mapping[str, NamedAxes] = field(default_factory=dict)
    conditional: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False
    grows: bool = True

    @property
    def sizes(self) -> tuple[str, ...]:
        """Names of the sizes that every configuration has, in the order of first use."""
        kinds = (self.inputs, self.weights, self.states, self.outputs)
        return tuple(dict.fromkeys(axis for kind in kinds for axes in kind.values() for axis in axes.split()))

    @property
    def growing(self) -> tuple[str, ...]:
        """Names of the sizes in which a golden can be embedded; query heads grow with heads."""
        if not self.grows:
            return ()
        fixed = ("query_heads", "width", "past")
        return (*(name for name in self.sizes if name not in fixed), BATCH, SEQUENCES)

    @cached_property
    def layout(self) -> RecurrenceLayout:
        """The names of the states and outputs."""
        return RecurrenceLayout(
            gates="",
            states=tuple(self.states),
            weights=tuple(self.weights.items()),
            compared=self.compared,
            result=next(iter(self.outputs)),
            growing=self.growing,
        )

    @property
    def in_words(self) -> str:
        """The arrays as text: "q (heads d_k), S (heads d_k d_v) and o (heads d_v)"."""
        kinds = (self.inputs, self.weights, self.states, self.outputs)
        return listed([f"{name} ({axes})" for kind in kinds for name, axes in kind.items()])


def _attention(meaning: str, *, gated: bool = False, delta: bool = False) -> Recurrence:
    gates = {"g": "heads"} if gated else {}
    return Recurrence(
        meaning,
        "Yang et al. (2024), arXiv:2412.06464; ONNX LinearAttention-27",
        {"q": "query_heads d_k", "k": "heads d_k", "v": "heads d_v", **gates, **({"beta": "heads"} if delta else {})},
        {"S": "heads d_k d_v"},
        {"o": "query_heads d_v"},
        compared=("S",),
        options={"scale": None, **({"decay": BY_HEAD} if gated else {})},
        optional={
            "key_heads": {"k": "key_heads d_k", "o": "heads d_v"},
            **({"beta_heads": {"beta": "beta_heads"}} if delta else {}),
        },
        chunked=True,
    )


def _of_model(
    meaning: str,
    source: str,
    inputs: NamedAxes,
    weights: NamedAxes,
    options: Mapping[str, Any],
    *,
    shares_keys: bool = True,
    chunked: bool = True,
) -> Recurrence:
    """Return a recurrence with queries, keys, values and a state (d_k, d_v), and further inputs and weights."""
    return Recurrence(
        meaning,
        source,
        {"q": "heads d_k", "k": "heads d_k", "v": "heads d_v", **inputs},
        {"S": "heads d_k d_v"},
        {"o": "heads d_v"},
        weights,
        ("S",),
        options,
        {"key_heads": {"q": "key_heads d_k", "k": "key_heads d_k"}} if shares_keys else {},
        chunked=chunked,
    )


RECURRENCES: Mapping[str, Recurrence] = {
    "linear_attention": _attention("Linear attention: the state adds up the outer products of keys and values."),
    "gated_linear_attention": _attention("Linear attention whose state decays by a gate.", gated=True),
    "delta_rule": _attention("The delta rule: each key replaces a part of the value stored for it.", delta=True),
    "gated_delta": _attention("The delta rule with a state that decays by a gate.", gated=True, delta=True),
    "selective_scan": Recurrence(
        "Mamba's selective scan: a diagonal state space whose step size, input and output depend on the input.",
        "Gu & Dao (2023), arXiv:2312.00752",
        {"u": "d", "dt": "d", "B": "n", "C": "n"},
        {"h": "d n"},
        {"y": "d"},
        {"A": "d n", "D": "d"},
        ("h",),
        optional={"groups": {"B": "groups n", "C": "groups n"}},
        chunked=True,
    ),
    "slstm": Recurrence(
        "sLSTM: an LSTM with exponential gates, a normalizer and a stabilizer.",
        "Beck et al. (2024), arXiv:2405.04517",
        {f"x_{gate}": "heads d" for gate in "ifzo"},
        dict.fromkeys("hcnm", "heads d"),
        {"out": "heads d"},
        {f"R_{gate}": "heads d d" for gate in "ifzo"},
        ("h",),
    ),
    "rg_lru": Recurrence(
        "RG-LRU: a gated linear unit whose decay is learned and gated.",
        "De et al. (2024), arXiv:2402.19427",
        {"x": "d", "r": "d", "i": "d"},
        {"h": "d"},
        {"out": "d"},
        {"Lambda": "d"},
        ("h",),
    ),
    "min_gru": Recurrence(
        "minGRU: a GRU whose gate and candidate do not depend on the state.",
        "Feng et al. (2024), arXiv:2410.01201",
        {"z": "d", "n": "d"},
        {"h": "d"},
        {"out": "d"},
        compared=("h",),
    ),
    "gated_delta_net": _of_model(
        "Gated DeltaNet with its gates and norms, as in Qwen3-Next: A_log, dt_bias, softplus, l2norm of q and k.",
        "Yang et al. (2024), arXiv:2412.06464; transformers, Qwen3-Next; flash-linear-attention, gated_delta_rule",
        {"a": "heads", "b": "heads"},
        {"A_log": "heads", "dt_bias": "heads"},
        {"scale": None, "beta_limit": 1.0},
    ),
    "kda": _of_model(
        "Kimi Delta Attention with its gates and norms: a decay for each key.",
        "Kimi Team (2025), arXiv:2510.26692; flash-linear-attention, ops/kda",
        {"a": "heads d_k", "b": "heads"},
        {"A_log": "heads", "dt_bias": "heads d_k"},
        {"scale": None, "beta_limit": 1.0, "lower_bound": None},
    ),
    "gated_delta_net_2": _of_model(
        "Gated DeltaNet-2 with its gates and norms: separate gates for what is erased and what is written.",
        "Hatamizadeh et al. (2026), arXiv:2605.22791; flash-linear-attention, ops/gdn2",
        {"a": "heads d_k", "b": "heads d_k", "w": "heads d_v"},
        {"A_log": "heads", "dt_bias": "heads d_k"},
        {"scale": None, "beta_limit": 1.0},
        chunked=False,
    ),
    "mamba": Recurrence(
        "Mamba's selective scan with its step size, a bias of it, and a gate.",
        "Gu & Dao (2023), arXiv:2312.00752; mamba_ssm, selective_scan_fn",
        {"u": "d", "dt": "d", "B": "n", "C": "n", "z": "d"},
        {"h": "d n"},
        {"y": "d"},
        {"A": "d n", "D": "d", "dt_bias": "d"},
        ("h",),
        {"gate": "none", "step_size": "softplus"},
        conditional={"z": "gate"},
    ),
    "mamba2": Recurrence(
        "Mamba-2's state space (SSD): one decay for each head; groups of heads share B and C.",
        "Dao & Gu (2024), arXiv:2405.21060; mamba_ssm, mamba_chunk_scan_combined",
        {"x": "heads p", "dt": "heads", "B": "n", "C": "n", "z": "heads p"},
        {"h": "heads p n"},
        {"y": "heads p"},
        {"A": "heads", "D": "heads", "dt_bias": "heads"},
        ("h",),
        {"gate": "none", "dt_min": 0.0, "dt_max": None},
        {"groups": {"B": "groups n", "C": "groups n"}},
        conditional={"z": "gate"},
        chunked=True,
    ),
    "retention": _of_model(
        "Linear attention with a fixed decay for each head: RetNet, and Lightning Attention of MiniMax-01.",
        "Sun et al. (2023), arXiv:2307.08621; flash-linear-attention, ops/simple_gla",
        {},
        {"log_decay": "heads"},
        {"scale": None},
    ),
    "generalized_delta": _of_model(
        "The generalized delta rule of RWKV-7 and DPLR: a diagonal plus a matrix of rank one times the state.",
        "Peng et al. (2025), arXiv:2503.14456; flash-linear-attention, ops/generalized_delta_rule",
        {"a": "heads d_k", "b": "heads d_k", "g": "heads d_k"},
        {},
        {"scale": None},
        shares_keys=False,
        chunked=False,
    ),
    "rwkv7": _of_model(
        "RWKV-7 with its gates and norm: the generalized delta rule as the model computes it.",
        "Peng et al. (2025), arXiv:2503.14456, equations (5) to (17); flash-linear-attention, layers/rwkv7",
        {"kappa": "heads d_k", "a": "heads d_k", "w": "heads d_k"},
        {"k_a": "heads d_k"},
        {"scale": 1.0},
        shares_keys=False,
        chunked=False,
    ),
    "rwkv6": _of_model(
        "RWKV-6: a decay for each key, and a bonus for the step itself.",
        "Peng et al. (2024), arXiv:2404.05892; flash-linear-attention, ops/rwkv6",
        {"g": "heads d_k"},
        {"u": "heads d_k"},
        {"scale": 1.0},
        shares_keys=False,
        chunked=False,
    ),
    "mlstm": Recurrence(
        "mLSTM: a matrix memory with exponential gates, a normalizer and a stabilizer.",
        "Beck et al. (2024), arXiv:2405.04517; mlstm_kernels",
        {"q": "heads d_k", "k": "heads d_k", "v": "heads d_v", "i": "heads", "f": "heads"},
        {"C": "heads d_k d_v", "n": "heads d_k", "m": "heads"},
        {"h": "heads d_v"},
        compared=("C", "n", "m"),
        options={"scale": None, "eps": 1e-6},
    ),
    "short_conv": Recurrence(
        "The short convolution of LFM2: a causal convolution of gated inputs, with a gated output.",
        "Liquid AI (2025), LFM2; Lfm2ShortConv in transformers",
        {"x": "channels", "B": "channels", "C": "channels"},
        {"window": "channels past"},
        {"y": "channels"},
        {"weight": "channels width"},
        ("window",),
    ),
    "causal_conv": Recurrence(
        "A causal convolution of each channel over time, which keeps its last inputs as a state.",
        "ONNX CausalConvWithState-27",
        {"x": "channels"},
        {"window": "channels past"},
        {"y": "channels"},
        {"weight": "channels width", "bias": "channels"},
        ("window",),
        {"activation": "silu"},
    ),
}
"""The recurrences by name. A selection that names none of them has networks only."""


INPUT, HIDDEN, INTEGER_GATES = "input_size", "hidden_size", "ifgo"
"""The axes of the integer LSTMs, and their gates, in the order of every list of their configuration."""


def _integer(meaning: str, source: str) -> Recurrence:
    return Recurrence(
        meaning,
        source,
        {"x": INPUT},
        {"h": HIDDEN, "c": HIDDEN},
        {"out": HIDDEN},
        {
            **{f"W_{gate}": f"{HIDDEN} {INPUT}" for gate in INTEGER_GATES},
            **{f"R_{gate}": f"{HIDDEN} {HIDDEN}" for gate in INTEGER_GATES},
            **{f"b_{gate}": HIDDEN for gate in INTEGER_GATES},
        },
        ("h", "c"),
        grows=False,
    )


_TFLM, _CMSIS = "tflite-micro 90b983c (2026-08-20), lstm_eval.h", "CMSIS-NN 99f736a (2026-07-15), arm_lstm_"

INTEGER_LSTMS: Mapping[str, Recurrence] = {
    "lstm_int8_tflm": _integer("The LSTM of TensorFlow Lite Micro with 8-bit inputs and outputs.", _TFLM),
    "lstm_int8_cmsis": _integer("The LSTM of CMSIS-NN with 8-bit inputs and outputs.", f"{_CMSIS}unidirectional_s8"),
    "lstm_int8_tflite": _integer(
        "The LSTM of LiteRT, TensorFlow Lite, with 8-bit inputs and outputs.",
        "LiteRT f674577 (2026-08-21), lstm_eval.cc, EvalInteger8x8_16",
    ),
    "lstm_16x8_tflm": _integer("The LSTM of TensorFlow Lite Micro with 16-bit inputs and outputs.", _TFLM),
    "lstm_16x8_cmsis": _integer("The LSTM of CMSIS-NN with 16-bit inputs and outputs.", f"{_CMSIS}unidirectional_s16"),
}
"""The LSTMs of integers by name, each with the version of the code that it follows. Weights have 8 bits."""

BUILT_IN: Mapping[str, Layout] = LAYOUTS | {name: of.layout for name, of in ({**RECURRENCES, **INTEGER_LSTMS}).items()}
"""The layouts of all built-in cells by name: standard cells, dialects, recurrences and integer LSTMs."""

HEADS = "heads"

LANE_AXES = (HEADS, "query_heads", "key_heads", "beta_heads", "groups", "channels")
"""Axes of lanes: the equations of one lane do not see them."""
