"""Bugs of the selective scan, of the RG-LRU, of the minimal GRU, and of the sLSTM."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.matrix_primitives import MatrixArithmetic
from rnn_goldens.cells.notation import Term, exp, maximum, sigmoid, softplus, sqrt, tanh
from rnn_goldens.cells.recurrence import RIGHT, run
from rnn_goldens.cells.recurrence_equations import min_gru, rg_lru, selective_scan, slstm
from rnn_goldens.cells.recurrence_notation import Equations, Terms, first_row, outer
from rnn_goldens.deviations.recurrences.edits import Change, Edit, in_arrays, in_equations
from rnn_goldens.deviations.recurrences.equation_parts import min_gru as gru
from rnn_goldens.deviations.recurrences.equation_parts import rg_lru as lru
from rnn_goldens.deviations.recurrences.equation_parts import selective_scan as scan
from rnn_goldens.deviations.recurrences.equation_parts import slstm as slstm_parts
from rnn_goldens.deviations.recurrences.states_and_sequences import in_two_parts, tiled
from rnn_goldens.deviations.table_rows import table


def _of_first_group(array: Array) -> Array:
    """Return B or C with the numbers of the first group, if there are groups."""
    return np.broadcast_to(array[:, :, :1], array.shape) if array.ndim > 3 else array  # noqa: PLR2004


class _Expm1(MatrixArithmetic):
    def expm1(self, z: Array) -> Array:
        """e^z - 1, which is accurate for small z."""
        return np.asarray(np.expm1(z))


SELECTIVE_SCAN = table(make=in_equations, cells=("selective_scan",))(
    softplus_left_out=("Uses dt without the softplus.", scan.wrong(size=lambda x: x.dt)),
    softplus_applied_twice=("Applies the softplus to dt twice.", lambda dt, **x: selective_scan(dt=softplus(dt), **x)),
    step_size_of_first_channel=(
        "Uses the step size of the first channel for all channels.",
        lambda dt, **x: selective_scan(dt=first_row(dt), **x),
    ),
    step_size_not_in_decay=("Leaves out the step size in the decay: e^A.", scan.wrong(log=lambda x: x.A)),
    step_size_not_in_input=("Leaves out the step size in the input: u B.", scan.wrong(gated=lambda x: x.u)),
    matrix_taken_for_its_logarithm=(
        "Computes -e^A and uses it for A.",
        lambda A, **x: selective_scan(A=-exp(A), **x),
        {
            "stands_for": ("1bit-MONSTER PR1469",),
            "fix": "A is negative already; checkpoints that store log(-A) are converted before the call",
        },
    ),
    matrix_sign_flipped=("Computes the decay from -A.", lambda A, **x: selective_scan(A=-A, **x)),
    matrix_of_first_state=(
        "Uses the first column of A for all n states of a channel.",
        lambda A, **x: selective_scan(A=first_row(A.mT).mT, **x),
        {"fix": "one number for each channel is Mamba-2's A"},
    ),
    decay_of_euler_method=(
        "Multiplies the state by 1 + dt A instead of e^(dt A).",
        scan.wrong(decayed=lambda x: (1 + x.log) * x.h),
    ),
    input_discretized_exactly=(
        "Multiplies u B by (e^(dt A) - 1) / A, the exact integral, instead of dt.",
        scan.wrong(written=lambda x: Term("expm1", (x.log,)) / x.A * outer(x.u, x.B)),
        _Expm1(),
        {"fix": "the paper has this formula, but Mamba's kernels multiply by dt"},
    ),
    groups_tiled=(
        "Lets channel d read B and C of group d % groups instead of d // (d / groups).",
        tiled("d", "groups"),
        {"needs": ("grouped_channels",), "stands_for": ("llama.cpp PR15625",)},
    ),
    first_group_for_all=(
        "Uses B and C of the first group for all channels.",
        in_arrays(B=_of_first_group, C=_of_first_group),
        {"needs": ("grouped_channels",)},
    ),
    input_and_output_matrices_swapped=("Swaps B and C.", lambda B, C, **x: selective_scan(B=C, C=B, **x)),
    state_without_input_matrix=(
        "Keeps the state without B, and multiplies it by B when it is read.",
        scan.wrong(written=lambda x: x.gated, read=lambda x: x.after @ (x.B * x.C)),
        {
            "stands_for": ("mamba PR371",),
            "fix": "only a B that is the same at all steps allows this, and the last state needs it",
        },
    ),
    output_of_state_before=("Reads the state before a step instead of after it.", scan.wrong(read=lambda x: x.h @ x.C)),
    skip_left_out=("Leaves out D u.", in_arrays(D=np.zeros_like)),
    skip_without_weight=("Adds u instead of D u.", in_arrays(D=np.ones_like)),
)


_not_normalized = lru.wrong(written=lambda x: x.gated)

RG_LRU = table(make=in_equations, cells=("rg_lru",))(
    input_normalizer_left_out=("Leaves out the factor √(1 - a²) of the input.", _not_normalized),
    input_normalizer_without_root=(
        "Multiplies the input by 1 - a² instead of √(1 - a²).",
        lru.wrong(root=lambda x: x.square),
    ),
    input_normalizer_without_square=(
        "Multiplies the input by √(1 - a) instead of √(1 - a²).",
        lru.wrong(root=lambda x: sqrt(1 - exp(x.log_a))),
    ),
    first_input_not_normalized=(
        "Leaves out the factor √(1 - a²) at the first step of each sequence.",
        Edit(wrong=lambda case: in_two_parts(case, 1, partial(run, equations=_not_normalized), run)),
        {"fix": "Griffin's layer does this at the start of a document; here every step is normalized"},
    ),
    constant_8_left_out=(
        "Leaves out the constant 8 in the exponent of the decay.",
        lru.wrong(factor=lambda x: x.factor / 8),
    ),
    constant_4_instead_of_8=(
        "Uses the constant 4 instead of 8 in the exponent of the decay.",
        lru.wrong(factor=lambda x: x.factor / 2),
    ),
    decay_parameter_without_softplus=("Uses Λ without the softplus.", lru.wrong(factor=lambda x: x.Lambda)),
    decay_parameter_sign_flipped=(
        "Uses softplus(-Λ), so that sigmoid(Λ) is the decay.",
        lambda Lambda, **x: rg_lru(Lambda=-Lambda, **x),
        {"fix": "pass -Λ if the layer defines the decay as sigmoid(Λ)"},
    ),
    recurrence_gate_left_out=("Leaves out the recurrence gate.", lru.wrong(log_a=lambda x: -8 * x.factor)),
    input_gate_left_out=("Leaves out the input gate.", lru.wrong(gated=lambda x: x.x)),
    recurrence_and_input_gates_swapped=(
        "Swaps the recurrence and the input gate.",
        lambda r, i, **x: rg_lru(r=i, i=r, **x),
    ),
)


def _positive(z: Array) -> Array:
    """Return g(z), which makes states positive, so that they have logarithms."""
    return np.where(z >= 0, z + z.dtype.type(0.5), RIGHT.sigmoid(z))


MIN_GRU = table(make=in_equations, cells=("min_gru",))(
    gate_complemented=(
        "Swaps z and 1 - z: h = z h + (1 - z) n.",
        gru.wrong(after=lambda x: x.gate * x.h + (1 - x.gate) * x.n),
        {"fix": "PyTorch's GRU and minGRU use z the other way round"},
    ),
    gate_sigmoid_left_out=("Uses z without the sigmoid.", gru.wrong(gate=lambda x: x.z)),
    state_kept_whole=("Adds z n to the whole state: h = h + z n.", gru.wrong(after=lambda x: x.h + x.gate * x.n)),
    candidate_not_gated=(
        "Leaves out z for the candidate: h = (1 - z) h + n.",
        gru.wrong(after=lambda x: (1 - x.gate) * x.h + x.n),
    ),
    candidate_tanh_added=("Applies a tanh to n.", lambda n, **x: min_gru(n=tanh(n), **x)),
    candidate_made_positive=(
        "Applies g to n, which is n + 0.5 or, for negative n, its sigmoid.",
        in_arrays(n=_positive),
        {"fix": "the layer applies g before the call, if it computes in logarithms"},
    ),
    past_state_made_positive=(
        "Applies g to the initial state, too, which is a state already.",
        Edit(lambda case: case.with_arrays(h0=_positive(case.states["h0"])) if case.state_given else case),
        {"needs": ("state",), "stands_for": ("minGRU-pytorch#9",)},
    ),
)


class _Products(MatrixArithmetic):
    """Multiplies by products of decays."""

    def by_earlier(self, decay: Array, added: Array) -> Array:
        """What is added at each step, times the decays of the steps before it. The first axis is time."""
        products = np.cumprod(decay, axis=0)
        return np.concatenate([added[:1], products[:-1] * added[1:]])


def _by_earlier(decay: Term, added: Term) -> Term:
    return Term("by_earlier", (decay, added))


_OPERANDS_SWAPPED: Mapping[str, Equations] = {
    "selective_scan": scan.wrong(decayed=lambda x: x.h, written=lambda x: _by_earlier(x.decay, x.written)),
    "rg_lru": lru.wrong(decayed=lambda x: x.h, written=lambda x: _by_earlier(exp(x.log_a), x.written)),
    "min_gru": gru.wrong(after=lambda x: x.h + _by_earlier(1 - x.gate, x.gate * x.n)),
}


OPERATOR = table(make=in_equations, cells=tuple(_OPERANDS_SWAPPED))(
    scan_operands_swapped=(
        "Swaps the operands of a scan's operator: decays what is added by the steps before it, and not the state.",
        Edit(wrong=lambda case: run(case, _Products(), _OPERANDS_SWAPPED[case.cell])),
        {"stands_for": ("mamba#716",)},
    )
)


def _in_recurrent_weights(change: Change) -> Edit:
    return in_arrays(R_i=change, R_f=change, R_z=change, R_o=change)


def _zifo(**x: Term) -> tuple[Terms, Terms]:
    taken = {f"{of}_{gate}": x.pop(f"{of}_{by}") for of in "xR" for gate, by in zip("zif", "ifz", strict=True)}
    return slstm(**taken, **x)


SLSTM = table(make=in_equations, cells=("slstm",))(
    input_and_forget_gates_swapped=(
        "Swaps the projected inputs of the input and the forget gate.",
        lambda x_i, x_f, **x: slstm(x_i=x_f, x_f=x_i, **x),
        {"stands_for": ("xlstm#98",)},
    ),
    gates_in_order_zifo=("Takes inputs and weights in the order of gates z, i, f, o instead of i, f, z, o.", _zifo),
    forget_gate_exponential=(
        "Computes the forget gate by an exponential instead of a sigmoid.",
        slstm_parts.wrong(log_forget=lambda x: x.f),
        {"fix": "the paper allows both; these goldens have a sigmoid"},
    ),
    normalizer_left_out=(
        "Does not divide c by n.",
        slstm_parts.wrong(quotient=lambda x: x.c_after),
        {"stands_for": ("PyxLSTM#27",)},
    ),
    normalizer_at_least_1=(
        "Divides c by n or 1, whichever is larger.",
        slstm_parts.wrong(quotient=lambda x: x.c_after / maximum(x.n_after, 1)),
        {"fix": "the mLSTM limits its normalizer, the sLSTM does not"},
    ),
    normalizer_started_at_1=("Starts with n = 1 instead of its initial value.", in_arrays(n0=np.ones_like)),
    stabilizer_started_at_0=(
        "Starts with m = 0 instead of its initial value, to which c and n are scaled.",
        in_arrays(m0=np.zeros_like),
        {"needs": ("state",)},
    ),
    stabilizer_left_out=(
        "Leaves out the stabilizer, so that large gates overflow.",
        slstm_parts.wrong(subtracted=lambda x: 0 * x.m, carried=lambda x: 0 * x.m),
        {"stands_for": ("PyxLSTM#15",)},
    ),
    stabilizer_of_input_gate_only=(
        "Applies the stabilizer to the input gate only.",
        slstm_parts.wrong(forget_gate=lambda x: sigmoid(x.f)),
    ),
    stabilizer_of_forget_gate_only=(
        "Applies the stabilizer to the forget gate only.",
        slstm_parts.wrong(input_gate=lambda x: exp(x.i)),
    ),
    candidate_tanh_left_out=("Leaves out the tanh of the candidate.", slstm_parts.wrong(candidate=lambda x: x.z)),
    candidate_zero=(
        "Takes zero for the candidate.",
        in_arrays(x_z=np.zeros_like, R_z=np.zeros_like),
        {"stands_for": ("PyxLSTM#22",)},
    ),
    output_gate_left_out=("Leaves out the output gate.", slstm_parts.wrong(h_after=lambda x: x.quotient)),
    output_tanh_added=(
        "Applies a tanh to c / n, as an LSTM to c.",
        slstm_parts.wrong(h_after=lambda x: sigmoid(x.o) * tanh(x.quotient)),
    ),
    recurrent_weights_transposed=(
        "Multiplies h by the transposed recurrent weights.",
        _in_recurrent_weights(lambda R: R.swapaxes(-1, -2)),
    ),
    recurrent_weights_of_first_head=(
        "Uses the recurrent weights of the first head for all heads.",
        _in_recurrent_weights(lambda R: np.broadcast_to(R[:1], R.shape)),
        {"needs": ("several_heads",)},
    ),
    recurrent_weights_left_out=("Leaves out the recurrent weights.", _in_recurrent_weights(np.zeros_like)),
)
