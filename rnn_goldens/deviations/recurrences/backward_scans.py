"""Deviations of the backward pass of scans."""

from fractions import Fraction
from math import log

import numpy as np

from rnn_goldens.cells.notation import minimum
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase, weights_in_lanes
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward
from rnn_goldens.cells.recurrence_notation import Equations, outer
from rnn_goldens.deviations.equation_edits import detached
from rnn_goldens.deviations.recurrences.edits import CHUNK, WrongBackward, for_each_chunk_size, in_results
from rnn_goldens.deviations.recurrences.equation_parts import Change, min_gru, of_first_row, rg_lru
from rnn_goldens.deviations.recurrences.equation_parts import selective_scan as scan
from rnn_goldens.deviations.table_rows import table


def _by_gate(of_gate: Change) -> Equations:
    """Return minGRU with another derivative of the state after the step by the gate."""
    return min_gru(
        after=lambda x: (1 - detached(x.gate)) * x.h + detached(x.gate) * x.n + x.gate * detached(of_gate(x))
    )


def _last_decayed_by_padding(size: int) -> type[RecurrenceBackward]:
    def d_last(found: Arrays, case: RecurrenceCase, _: Arrays) -> Arrays:
        missing, A = -case.time % size, weights_in_lanes(case)["A"]
        return {"h": np.exp(A.dtype.type(missing * log(2)) * A) * found["h"]}

    return in_results(d_last=d_last)


SELECTIVE_SCAN = table(make=WrongBackward, cells=("selective_scan",), named="selective_scan_{}")(
    d_dt_without_softplus=("Leaves out the derivative of softplus in the gradient of dt.", scan(size=lambda x: x.dt)),
    d_dt_of_decay_alone=(
        "Computes the gradient of dt through the decay only, not through dt u B.",
        scan(gated=lambda x: detached(x.size) * x.u),
    ),
    d_dt_of_input_alone=(
        "Computes the gradient of dt through dt u B only, not through the decay.",
        scan(log=lambda x: detached(x.size) * x.A),
    ),
    d_a_without_dt=("Sums the gradient of A without dt.", scan(log=lambda x: x.size * detached(x.A) + x.A)),
    decay_without_exp=(
        "Leaves out the factor exp(dt A) in the gradients through the decay.",
        scan(decay=lambda x: x.log),
    ),
    decay_by_state_after=(
        "Uses the state after the step instead of before it in the gradients through the decay.",
        scan(decayed=lambda x: detached(x.decay) * x.h + x.decay * detached(x.decayed + x.written)),
    ),
    d_a_of_log=(
        "Returns the gradient of log(-A), the parameter of many models, as that of A.",
        scan(log=lambda x: x.size * detached(x.A) + detached(x.log) * x.A),
    ),
    d_d_zero=("Returns zero for the gradient of D.", scan(skipped=lambda x: detached(x.D) * x.u)),
    d_b_of_first_channel=(
        "Computes the gradient of B from the first channel instead of the sum over channels.",
        scan(written=lambda x: outer(x.gated, detached(x.B)) + of_first_row(outer(detached(x.gated), x.B))),
    ),
    d_c_of_first_channel=(
        "Computes the gradient of C from the first channel instead of the sum over channels.",
        scan(read=lambda x: x.after @ detached(x.C) + of_first_row(detached(x.after) @ x.C)),
    ),
    d_b_without_dt=(
        "Computes the gradient of B with u instead of dt u.",
        scan(written=lambda x: outer(x.gated, detached(x.B)) + outer(detached(x.u), x.B)),
    ),
    d_c_by_state_before=(
        "Computes the gradient of C with the state before the step.",
        scan(read=lambda x: x.after @ detached(x.C) + detached(x.h) @ x.C),
    ),
    d_u_without_d=("Leaves out D in the gradient of u.", scan(skipped=lambda x: x.D * detached(x.u))),
    d_u_without_state=("Computes the gradient of u through D only.", scan(gated=lambda x: x.size * detached(x.u))),
    d_u_without_dt=("Leaves out dt in the gradient of u.", scan(gated=lambda x: x.size * detached(x.u) + x.u)),
    state_not_decayed=(
        "Passes the state's cotangent to the step before without the decay.",
        scan(decayed=lambda x: x.decay * detached(x.h) + x.h),
    ),
    **for_each_chunk_size(
        "last_cotangent_decayed_by_padding",
        "Decays the cotangent of the last state over the steps that pad the last chunk of {} steps: their step "
        "size is softplus(0), not 0.",
        _last_decayed_by_padding,
        lambda size: {"stands_for": ("mamba#368",) if size == CHUNK else ()},
    ),
)


RG_LRU = table(make=WrongBackward, cells=("rg_lru",), named="rg_lru_{}")(
    root_constant=("Treats the root of 1 - a² as a constant.", rg_lru(root=lambda x: detached(x.root))),
    root_slope_clipped=(
        "Limits the derivative of the root of 1 - a² to 1000, as training code does against overflow.",
        rg_lru(root=lambda x: x.square * detached(minimum(1 / (2 * x.root), 1000))),
    ),
    root_of_other_sign=(
        "Uses the other sign for the derivative of the root of 1 - a².",
        rg_lru(root=lambda x: -x.root),
    ),
    decay_constant=(
        "Leaves out the decay of the state in the gradients of r and Lambda.",
        rg_lru(decay=lambda x: detached(x.decay)),
    ),
    decay_by_state_after=(
        "Uses the state after the step instead of before it in the gradients of r and Lambda.",
        rg_lru(decayed=lambda x: detached(x.decay) * x.h + x.decay * detached(x.decayed + x.written)),
    ),
    decay_without_exp=(
        "Leaves out the factor a in the gradient of log a through the decay of the state.",
        rg_lru(decay=lambda x: x.log_a),
    ),
    d_lambda_without_factor=(
        "Leaves out the factor 8 in the gradient of Lambda.",
        rg_lru(factor=lambda x: Fraction(1, 8) * x.factor),
    ),
    d_lambda_without_softplus=(
        "Leaves out the derivative of softplus in the gradient of Lambda.",
        rg_lru(factor=lambda x: x.Lambda),
    ),
    d_r_without_factor=(
        "Leaves out the factor 8 in the gradient of r.",
        rg_lru(gate=lambda x: Fraction(1, 8) * x.gate),
    ),
    gate_slopes_left_out=(
        "Leaves out the derivatives of the sigmoids in the gradients of r and i.",
        rg_lru(gate=lambda x: x.r, input_gate=lambda x: x.i),
    ),
    input_without_root=(
        "Leaves out the root of 1 - a² in the gradients of x and i.",
        rg_lru(written=lambda x: x.root * detached(x.gated) + x.gated),
    ),
    d_x_without_gate=(
        "Leaves out the input gate in the gradient of x.",
        rg_lru(gated=lambda x: x.input_gate * detached(x.x) + x.x),
    ),
    state_not_decayed=(
        "Passes the state's cotangent to the step before without the decay.",
        rg_lru(decayed=lambda x: x.decay * detached(x.h) + x.h),
    ),
)


MIN_GRU = table(make=WrongBackward, cells=("min_gru",), named="min_gru_{}")(
    d_z_of_other_sign=("Uses h - n instead of n - h in the gradient of z.", _by_gate(lambda x: x.h - x.n)),
    d_z_by_candidate_alone=("Uses n instead of n - h in the gradient of z.", _by_gate(lambda x: x.n)),
    d_z_by_state_after=(
        "Uses the state after the step instead of before it in the gradient of z.",
        _by_gate(lambda x: x.n - x.after),
    ),
    d_z_without_slope=("Leaves out the derivative of the sigmoid in the gradient of z.", min_gru(gate=lambda x: x.z)),
    d_n_without_gate=(
        "Leaves out the gate in the gradient of n.",
        min_gru(after=lambda x: (1 - x.gate) * x.h + x.gate * detached(x.n) + x.n),
    ),
    gate_swapped_back=(
        "Swaps z and 1 - z in the gradients of n and the state before.",
        min_gru(after=lambda x: x.gate * detached(x.n - x.h) + detached(1 - x.gate) * x.n + detached(x.gate) * x.h),
    ),
)
