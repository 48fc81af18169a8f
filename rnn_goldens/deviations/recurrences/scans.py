"""Bugs of the selective scan, of the RG-LRU and of the minimal GRU."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.deviation import Outputs, RecurrenceDeviation
from rnn_goldens.deviations.recurrences.kernel import replaced, sigmoid, softplus
from rnn_goldens.deviations.recurrences.scan_kernels import (
    KERNELS,
    RGLRU,
    MinGRU,
    ScanKernel,
    SelectiveScan,
    Step,
)


def _of(
    cell: str,
    name: str,
    sentence: str,
    needs: tuple[str, ...] = (),
    stands_for: tuple[str, ...] = (),
    fix: str = "",
    **methods: Callable[..., Any],
) -> RecurrenceDeviation:
    return RecurrenceDeviation(name, sentence, replaced(KERNELS[cell], **methods), (cell,), needs, stands_for, fix)


# The selective scan.


def _swapped(right: SelectiveScan) -> list[Step]:
    return [{**x, "B": x["C"], "C": x["B"]} for x in right.steps()]


def _exactly_discretized(right: SelectiveScan, x: Step) -> Array:
    factor = np.expm1(right.step_size(x)[..., None] * right.matrix()) / right.matrix()
    return np.asarray(factor * x["u"][..., None] * x["B"][:, None])


def _without_b(right: SelectiveScan, x: Step) -> Array:
    return right.written({**x, "B": np.ones_like(x["B"])})


def _times_b(right: SelectiveScan, x: Step, h: Array) -> Array:
    return right.read(x, h * x["B"][:, None])


_of_scan = partial(_of, "selective_scan")

SELECTIVE_SCAN = (
    _of_scan("softplus_left_out", "Uses dt without the softplus.", step_size=lambda _right, x: x["dt"]),
    _of_scan(
        "softplus_applied_twice",
        "Applies the softplus to dt twice.",
        step_size=lambda right, x: softplus(right.step_size(x)),
    ),
    _of_scan(
        "step_size_of_first_channel",
        "Uses the step size of the first channel for all channels.",
        step_size=lambda right, x: np.broadcast_to(right.step_size(x)[:, :1], x["dt"].shape),
    ),
    _of_scan(
        "step_size_not_in_decay",
        "Leaves out the step size in the decay: e^A.",
        decay=lambda right, _x: np.exp(right.matrix()),
    ),
    _of_scan(
        "step_size_not_in_input",
        "Leaves out the step size in the input: u B.",
        written=lambda _right, x: np.asarray(x["u"][..., None] * x["B"][:, None]),
    ),
    _of_scan(
        "matrix_taken_for_its_logarithm",
        "Computes -e^A and uses it for A.",
        (),
        ("1bit-MONSTER PR1469",),
        "A is negative already; checkpoints that store log(-A) are converted before the call",
        matrix=lambda right: -np.exp(right.matrix()),
    ),
    _of_scan("matrix_sign_flipped", "Computes the decay from -A.", matrix=lambda right: -right.matrix()),
    _of_scan(
        "matrix_of_first_state",
        "Uses the first column of A for all n states of a channel.",
        fix="one number for each channel is Mamba-2's A",
        matrix=lambda right: np.broadcast_to(right.matrix()[:, :1], right.matrix().shape),
    ),
    _of_scan(
        "decay_of_euler_method",
        "Multiplies the state by 1 + dt A instead of e^(dt A).",
        decay=lambda right, x: np.asarray(1 + right.step_size(x)[..., None] * right.matrix()),
    ),
    _of_scan(
        "input_discretized_exactly",
        "Multiplies u B by (e^(dt A) - 1) / A, the exact integral, instead of dt.",
        fix="the paper has this formula, but Mamba's kernels multiply by dt",
        written=_exactly_discretized,
    ),
    _of_scan("input_and_output_matrices_swapped", "Swaps B and C.", steps=_swapped),
    _of_scan(
        "state_without_input_matrix",
        "Keeps the state without B, and multiplies it by B when it is read.",
        (),
        ("mamba PR371",),
        "only a B that is the same at all steps allows this, and the last state needs it",
        written=_without_b,
        read=_times_b,
    ),
    _of_scan("skip_left_out", "Leaves out D u.", skipped=lambda _right, x: np.zeros_like(x["u"])),
    _of_scan(
        "skip_without_weight",
        "Adds u instead of D u.",
        skipped=lambda _right, x: x["u"],
    ),
)

# The RG-LRU.


def _gates_swapped(right: RGLRU) -> list[Step]:
    return [{**x, "r": x["i"], "i": x["r"]} for x in right.steps()]


def _first_not_normalized(case: RecurrenceCase) -> Outputs:
    class FirstNotNormalized(RGLRU):
        first = True

        def normalizer(self, x: Step) -> Array:
            normalizer = super().normalizer(x)
            if self.first:
                normalizer = np.ones_like(normalizer)
            self.first = False
            return normalizer

    return FirstNotNormalized(case).run()


_of_rg_lru = partial(_of, "rg_lru")

RG_LRU = (
    _of_rg_lru(
        "input_normalizer_left_out",
        "Leaves out the factor √(1 - a²) of the input.",
        normalizer=lambda right, x: np.ones_like(right.normalizer(x)),
    ),
    _of_rg_lru(
        "input_normalizer_without_root",
        "Multiplies the input by 1 - a² instead of √(1 - a²).",
        normalizer=lambda right, x: np.square(right.normalizer(x)),
    ),
    _of_rg_lru(
        "input_normalizer_without_square",
        "Multiplies the input by √(1 - a) instead of √(1 - a²).",
        normalizer=lambda right, x: np.sqrt(1 - right.decay(x)),
    ),
    RecurrenceDeviation(
        "first_input_not_normalized",
        "Leaves out the factor √(1 - a²) at the first step of each sequence.",
        _first_not_normalized,
        ("rg_lru",),
        fix="Griffin's layer does this at the start of a document; here every step is normalized",
    ),
    _of_rg_lru(
        "constant_8_left_out",
        "Leaves out the constant 8 in the exponent of the decay.",
        log_decay=lambda right, x: np.asarray(right.log_decay(x) / 8),
    ),
    _of_rg_lru(
        "decay_parameter_without_softplus",
        "Uses Λ without the softplus.",
        log_decay=lambda right, x: np.asarray(-8 * (right.case.weights["Lambda"] * right.recurrence_gate(x))),
    ),
    _of_rg_lru(
        "decay_parameter_sign_flipped",
        "Uses softplus(-Λ), so that sigmoid(Λ) is the decay.",
        fix="pass -Λ if the layer defines the decay as sigmoid(Λ)",
        log_decay=lambda right, x: np.asarray(
            -8 * (softplus(-right.case.weights["Lambda"]) * right.recurrence_gate(x))
        ),
    ),
    _of_rg_lru(
        "recurrence_gate_left_out",
        "Leaves out the recurrence gate.",
        recurrence_gate=lambda _right, x: np.ones_like(x["r"]),
    ),
    _of_rg_lru("input_gate_left_out", "Leaves out the input gate.", input_gate=lambda _right, x: np.ones_like(x["i"])),
    _of_rg_lru("recurrence_and_input_gates_swapped", "Swaps the recurrence and the input gate.", steps=_gates_swapped),
)

# The minimal GRU.


def _positive(z: Array) -> Array:
    """Return g(z), which makes states positive, so that they have logarithms."""
    return np.where(z >= 0, z + z.dtype.type(0.5), sigmoid(z))


def _positive_past(right: MinGRU) -> Array:
    return _positive(right.initial_state()) if right.case.state_given else right.initial_state()


_of_min_gru = partial(_of, "min_gru")

MIN_GRU = (
    _of_min_gru(
        "gate_complemented",
        "Swaps z and 1 - z: h = z h + (1 - z) n.",
        fix="PyTorch's GRU and minGRU use z the other way round",
        gate=lambda right, x: np.asarray(1 - right.gate(x)),
    ),
    _of_min_gru("gate_sigmoid_left_out", "Uses z without the sigmoid.", gate=lambda _right, x: x["z"]),
    _of_min_gru(
        "state_kept_whole", "Adds z n to the whole state: h = h + z n.", decay=lambda _right, x: 1 + 0 * x["z"]
    ),
    _of_min_gru(
        "candidate_not_gated", "Leaves out z for the candidate: h = (1 - z) h + n.", written=lambda _right, x: x["n"]
    ),
    _of_min_gru("candidate_tanh_added", "Applies a tanh to n.", candidate=lambda _right, x: np.tanh(x["n"])),
    _of_min_gru(
        "candidate_made_positive",
        "Applies g to n, which is n + 0.5 or, for negative n, its sigmoid.",
        fix="the layer applies g before the call, if it computes in logarithms",
        candidate=lambda _right, x: _positive(x["n"]),
    ),
    _of_min_gru(
        "past_state_made_positive",
        "Applies g to the initial state, too, which is a state already.",
        ("state",),
        ("minGRU-pytorch#9",),
        initial_state=_positive_past,
    ),
)

# All three.


def _scan_operands_swapped(case: RecurrenceCase) -> Outputs:
    kernel = KERNELS[case.cell]
    assert issubclass(kernel, ScanKernel)

    class Swapped(kernel):  # type: ignore[misc,valid-type] # a dynamic base
        product: Any = 1

        def updated(self, decay: Array, h: Array, written: Array) -> Array:
            product, self.product = self.product, self.product * decay
            return np.asarray(h + product * written)

    outputs: Outputs = Swapped(case).run()
    return outputs


OPERATOR = (
    RecurrenceDeviation(
        "scan_operands_swapped",
        "Swaps the operands of a scan's operator: decays what is added by the steps before it, and not the state.",
        _scan_operands_swapped,
        ("selective_scan", "rg_lru", "min_gru"),
        stands_for=("mamba#716",),
    ),
)
