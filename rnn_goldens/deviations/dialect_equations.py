"""Bugs of dialects with other equations: reset before the product, peepholes, projection, coupled gates, clipped c."""

from collections.abc import Callable
from functools import partial
from itertools import permutations
from operator import mul

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.equations import lstm
from rnn_goldens.cells.notation import Operand, Term, Weight, clip, mix, sigmoid, tanh
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.deviations.alteration import Alteration, in_equations, in_weights
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.equation_edits import Formula, edited
from rnn_goldens.deviations.table_rows import table


def of_dialect(
    cell: str,
    change: Callable[..., Alteration] = in_equations,
    end: str = "",
    of: Callable[..., Equations] = lambda equations: equations,
) -> Callable[..., tuple[Deviation, ...]]:
    """Return the table of a dialect: rows of a name without dialect and end, a sentence and what equations are of."""
    return table(lambda given: change(**{cell: of(given)}), named=f"{cell}_{{}}{end}", cells=(cell,))


def _in_weights(*names: str) -> Callable[[Callable[[Array], Array]], Alteration]:
    """Return a function that returns a change of these weights."""
    return lambda change: in_weights(lambda array, _: change(array), *names)


_reset_before = partial(edited, "gru_reset_before")

RESET_BEFORE = of_dialect("gru_reset_before")(
    b_hn_reset=(
        "Applies the reset gate to b_hn, too: W_hn (r h) + r b_hn.",
        _reset_before(n=lambda w, x, h, r: tanh(w.W_in @ x + w.b_in + w.W_hn @ (r * h) + r * w.b_hn)),
        {"needs": ("bias",)},
    ),
    twice=(
        "Applies the reset gate before and after the product: r (W_hn (r h) + b_hn).",
        _reset_before(n=lambda w, x, h, r: tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ (r * h) + w.b_hn))),
    ),
    by_update_gate=("Resets by the update gate: W_hn (z h).", _reset_before(r=lambda z: z)),
    complemented=("Resets by 1 - r.", _reset_before(r=lambda r: 1 - r)),
    unused=(
        "Leaves out the reset gate: r = 1.",
        _reset_before(n=lambda w, x, h: tanh(w.W_in @ x + w.b_in + w.W_hn @ h + w.b_hn)),
    ),
    mixes_reset_state=(
        "Uses the reset state in the update: h = (1 - z) n + z r h.",
        _reset_before(new_h=lambda z, r, h, n: mix(z, r * h, n)),
    ),
    z_complemented=("Swaps z and 1 - z: h = z n + (1 - z) h.", _reset_before(new_h=lambda z, n, h: mix(z, n, h))),
    update_gate_of_reset_state=(
        "Computes the update gate from the reset state r h instead of h.",
        _reset_before(z=lambda w, x, h, r: sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ (r * h) + w.b_hz)),
    ),
)

PEEPHOLES = ("p_i", "p_f", "p_o")

Peephole = Callable[[Term, Term], Operand]
"""(a vector of peepholes, c) → a term of the argument of a gate."""


def peepholes(
    of_i: Peephole = mul, of_f: Peephole = mul, of_o: Peephole = mul, read: tuple[str, ...] = PEEPHOLES
) -> Equations:
    """Return the equations of an LSTM with these terms of the vectors ``read`` in the arguments of the gates."""
    i, f, o = read
    return edited(
        "lstm",
        z_i=lambda z_i, w, c: z_i + of_i(getattr(w, i), c),
        z_f=lambda z_f, w, c: z_f + of_f(getattr(w, f), c),
        z_o=lambda z_o, w, new_c: z_o + of_o(getattr(w, o), new_c),
    )


def _on_each(term: Peephole) -> Equations:
    return peepholes(term, term, term)


def _no(*_: Term) -> int:
    return 0


def _by_tanh(p: Term, c: Term) -> Term:
    return p * tanh(c)


_NOTES = {"i, o, f": " (ONNX's and WebNN's order)"}
_of_p = _in_weights(*PEEPHOLES)

PEEPHOLE = of_dialect("lstm_peephole")(
    **{
        f"order_{letters.replace(', ', '')}": (
            f"Reads the peepholes as those of the gates {letters} instead of i, f, o{_NOTES.get(letters, '')}.",
            peepholes(read=order),
        )
        for order in permutations(PEEPHOLES)
        if order != PEEPHOLES
        for letters in [", ".join(name[-1] for name in order)]
    },
    without_p_i=("Leaves out the peephole of the input gate.", peepholes(of_i=_no)),
    without_p_f=("Leaves out the peephole of the forget gate.", peepholes(of_f=_no)),
    without_p_o=("Leaves out the peephole of the output gate.", peepholes(of_o=_no)),
    of_o_by_old_c=(
        "Adds p_o times the old c, as for the other gates, instead of the new c.",
        edited("lstm_peephole", o=lambda w, x, h, c: sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + w.p_o * c)),
    ),
    of_tanh=("Multiplies all peepholes by tanh(c) instead of c.", _on_each(_by_tanh)),
    of_o_of_tanh=("Multiplies p_o by tanh(c) instead of c.", peepholes(of_o=_by_tanh)),
    added=("Adds the peepholes themselves, without multiplying them by c.", _on_each(lambda p, _: p)),
    subtracted=("Subtracts the peepholes times c.", _on_each(lambda p, c: -(p * c))),
    in_candidate_too=(
        "Adds p_i c to the argument of the candidate g, too.",
        edited("lstm_peephole", z_g=lambda z_g, w, c: z_g + w.p_i * c),
    ),
    after_sigmoid=(
        "Adds the peepholes times c to the gates, after their sigmoids.",
        edited(
            "lstm",
            i=lambda i, w, c: i + w.p_i * c,
            f=lambda f, w, c: f + w.p_f * c,
            o=lambda o, w, new_c: o + w.p_o * new_c,
        ),
    ),
    units_reversed=("Reads the peepholes with their units in reverse order.", _of_p(lambda array: array[::-1])),
    of_first_unit=(
        "Uses the peephole of the first unit for all units.",
        _of_p(lambda array: np.broadcast_to(array[:1], array.shape)),
    ),
)

_projection, _of_weight_hr = partial(edited, "lstm_projection"), _in_weights("weight_hr")

PROJECTION = of_dialect("lstm_projection")(
    without_output_gate=(
        "Leaves out the output gate: h = W_hr tanh(c).",
        _projection(new_h=lambda w, new_c: w.W_hr @ tanh(new_c)),
    ),
    without_tanh=("Leaves out the tanh: h = W_hr (o c).", _projection(new_h=lambda w, o, new_c: w.W_hr @ (o * new_c))),
    of_old_cell=("Projects o tanh(c) of the old c.", _projection(new_h=lambda w, o, c: w.W_hr @ (o * tanh(c)))),
    of_output_gate=("Projects the output gate: h = W_hr o.", _projection(new_h=lambda w, o: w.W_hr @ o)),
    of_cell=("Projects c: h = W_hr c.", _projection(new_h=lambda w, new_c: w.W_hr @ new_c)),
    activated=("Applies a tanh after the projection, too.", _projection(new_h=lambda new_h: tanh(new_h))),
    left_out=(
        "Takes the first proj_size numbers of o tanh(c) instead of projecting it.",
        _of_weight_hr(lambda array: np.eye(*array.shape, dtype=array.dtype)),
    ),
    read_transposed=(
        "Reads the memory of weight_hr as (hidden, proj_size).",
        _of_weight_hr(lambda array: array.reshape(array.shape[::-1]).T),
    ),
    rows_reversed=("Reads the rows of weight_hr in reverse order.", _of_weight_hr(lambda array: array[::-1])),
    columns_reversed=("Reads the columns of weight_hr in reverse order.", _of_weight_hr(lambda array: array[:, ::-1])),
)


def _updated(new_c: Formula) -> Equations:
    """Return the equations of an LSTM with another new c."""
    return edited("lstm", new_c=new_c)


INPUT_FORGET = of_dialect("lstm_input_forget")(
    the_other_way=("Uses 1 - f for the input gate.", _updated(lambda c, f, g: mix(f, c, g))),
    swapped=("Swaps i and 1 - i: c = (1 - i) g + i c.", _updated(lambda c, i, g: mix(i, c, g))),
    f_is_i=("Uses i for the forget gate: f = i.", _updated(lambda c, i, g: i * c + i * g)),
    f_open=("Leaves out the forget gate: f = 1.", _updated(lambda c, i, g: c + i * g)),
    by_rows_of_f=("Computes i from the rows of f.", _updated(lambda c, f, g: mix(f, g, c))),
)

_coupled_input = partial(edited, "lstm_coupled_input")

COUPLED_INPUT = of_dialect("lstm_coupled_input")(
    swapped=("Swaps f and 1 - f: c = (1 - f) c + f g.", _coupled_input(new_c=lambda c, f, g: mix(f, g, c))),
    i_is_f=("Uses f for the input gate: i = f.", _coupled_input(new_c=lambda c, f, g: f * c + f * g)),
    i_open=("Leaves out the input gate: i = 1.", _coupled_input(new_c=lambda c, f, g: f * c + g)),
)

# A stored c that is clipped, as edits of an LSTM without a clip.


def _clipped(z: Term) -> Term:
    return clip(z, -0.5, 0.5)


def _output_of_unclipped(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    h, c = lstm(x, h, c, w)
    return h, _clipped(c)


CELL_CLIP = of_dialect("lstm_cell_clip")(
    of_output_only=(
        "Clips c for the output only, and stores it without clipping.",
        edited("lstm", new_h=lambda o, new_c: o * tanh(_clipped(new_c))),
    ),
    after_output=("Clips the stored c, but computes the output from c before it is clipped.", _output_of_unclipped),
    of_h=("Clips h instead of c.", edited("lstm", new_h=lambda new_h: _clipped(new_h))),
    of_candidate=("Clips the candidate g instead of c.", edited("lstm", g=lambda g: _clipped(g))),
    before_update=("Clips the old c instead of the new one.", edited("lstm", c=lambda c: _clipped(c))),
    above_only=("Clips c above only.", _updated(lambda new_c: clip(new_c, -64, 0.5))),
    below_only=("Clips c below only.", _updated(lambda new_c: clip(new_c, -0.5, 64))),
    at_1=("Clips c to ±1 instead of ±1/2.", _updated(lambda new_c: clip(new_c, -1, 1))),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *INPUT_FORGET, *COUPLED_INPUT, *CELL_CLIP)
