"""Gradients of weights: sums over the wrong steps or sequences, of the wrong values, or cut off at a size."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, State, Weights
from rnn_goldens.cells.backward import Factors
from rnn_goldens.deviations.alteration import REVERSE, Alteration, direction, in_network
from rnn_goldens.deviations.backward.alterations import in_gradient, in_names, in_steps_back
from rnn_goldens.deviations.backward.directions_and_layers import handed_down
from rnn_goldens.deviations.sizes import LIMITS
from rnn_goldens.deviations.table_rows import Row, for_each, table
from rnn_goldens.golden.built_in_cells import LAYOUTS

_BIASES = ("bias_ih", "bias_hh")
_OTHER = {"bias_ih": "bias_hh", "bias_hh": "bias_ih"}
_BIAS = ("bias",)


class _ByStateAfter(Backward):
    def __init__(self) -> None:
        super().__init__()
        self._after: dict[tuple[str, int], Array] = {}

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        after = super().step(case, suffix, w, layer_input, t, state)
        self._after[suffix, t] = after[0]
        return after

    def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
        return super().share(suffix, t, weight, g, self._after[suffix, t] if weight == "weight_hh" else v)


class _ByOtherInput(Backward):
    def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
        if weight == "weight_ih" and v is not None:
            before = self.kept.get((suffix, t - 1))
            v = np.zeros_like(v) if before is None else before[0]
        return super().share(suffix, t, weight, g, v)


class _ByOwnOutput(Backward):
    """Computes the gradient of an upper layer's weight_ih with the layer's output, which has the size of its input."""

    def __init__(self) -> None:
        super().__init__()
        self._outputs: dict[int, Array] = {}

    def join(self, outs: list[Array], layer: int, case: Case) -> Array:
        self._outputs[layer] = super().join(outs, layer, case)
        return self._outputs[layer]

    def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
        layer = int(suffix.removesuffix("_reverse").removeprefix("l"))
        return super().share(suffix, t, weight, g, self._outputs[layer][:, t] if weight == "weight_ih" and layer else v)


def summing(change: Callable[[Sequence[Factors]], Sequence[Factors]], *, of_matrices: bool | None = None) -> Alteration:
    """Return sums over other steps and sequences, for matrices, for biases or for both."""

    def summed(right: Backward, steps: Sequence[Factors]) -> Array:
        is_matrix = steps[0][1] is not None
        return right.summed_over_steps(change(steps) if of_matrices in (None, is_matrix) else steps)

    return in_steps_back(summed_over_steps=summed)


def _visited_last(steps: Sequence[Factors]) -> Sequence[Factors]:
    return steps[-1:]


def first_rows(limit: int) -> Callable[[Sequence[Factors]], Sequence[Factors]]:
    """Return a function that leaves out the rows of the batch beyond the first ``limit``."""
    return lambda steps: [(g[:limit], None if v is None else v[:limit]) for g, v in steps]


def _divided(divisor: Callable[[Sequence[Factors]], int]) -> Callable[[Sequence[Factors]], Sequence[Factors]]:
    return lambda steps: [(g / divisor(steps), v) for g, v in steps]


def _batch(steps: Sequence[Factors]) -> int:
    return len(steps[0][0])


def _in_rows(pattern: str, cell: str, gates: str) -> Alteration:
    """Return the rows of these gates for those of the cell's gates, in the gradients of these weights."""
    order = [LAYOUTS[cell].gates.index(gate) for gate in gates]
    return in_gradient(
        pattern, lambda array, _: np.concatenate([np.split(array, len(order))[place] for place in order])
    )


def _zero(array: Array, _case: Case) -> Array:
    return 0 * array


def _without_step(which: str, *weights: str) -> Alteration:
    """Leave the first or last step of each direction out of the gradients of some weights."""

    class WithoutStep(Backward):
        def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
            times = [step for direction, step in self.kept if direction == suffix]
            left_out = min(times) if (which == "first") is not suffix.endswith("_reverse") else max(times)
            return super().share(suffix, t, weight, 0 * g if weight in weights and t == left_out else g, v)

    return in_network(WithoutStep)


OF_WEIGHTS = table(make=in_network)(
    weight_hh_by_state_after=(
        "Uses h after each step instead of before it in the gradient of weight_hh.",
        _ByStateAfter,
        {"stands_for": ("Neuron PR181",)},
    ),
    weight_ih_by_input_before=("Uses x of the previous time step in the gradient of weight_ih.", _ByOtherInput),
    upper_weight_ih_by_own_output=(
        "Uses the layer's output instead of its input in the gradient of weight_ih above the first layer.",
        _ByOwnOutput,
        {"needs": ("multilayer",), "stands_for": ("mxnet#17898",)},
    ),
    weights_overwritten_by_each_step=(
        "Assigns each step's contribution to the weights' gradients instead of adding it: only one step remains.",
        summing(_visited_last),
        {"stands_for": ("swift-apis#518",)},
    ),
    weights_of_first_visit_alone=(
        "Computes the weights' gradients only from the first step of the backward pass.",
        summing(lambda steps: steps[:1]),
    ),
    matrices_of_first_row=(
        "Computes the matrices' gradients only from the first sequence.",
        summing(first_rows(1), of_matrices=True),
    ),
    matrices_mean_over_batch=(
        "Uses the mean over the batch for the matrices' gradients instead of the sum.",
        summing(_divided(_batch), of_matrices=True),
    ),
)

OF_BIASES = table(needs=_BIAS)(
    biases_overwritten_by_each_step=(
        "Does not sum the biases' gradients over time: only one step remains.",
        summing(_visited_last, of_matrices=False),
    ),
    biases_of_first_row=(
        "Does not sum the biases' gradients over the batch: only the first sequence remains.",
        summing(first_rows(1), of_matrices=False),
    ),
    biases_mean_over_batch=(
        "Uses the mean over the batch for the biases' gradients instead of the sum.",
        summing(_divided(_batch), of_matrices=False),
    ),
    biases_mean_over_time=(
        "Uses the mean over the steps for the biases' gradients instead of the sum.",
        summing(_divided(len), of_matrices=False),
    ),
    biases_doubled=("Doubles the biases' gradients.", in_gradient("bias", lambda array, _: 2 * array)),
    biases_halved=(
        "Halves the biases' gradients, as if bias_ih and bias_hh shared one.",
        in_gradient("bias", lambda array, _: array / 2),
    ),
    bias_ih_gradient_zero=("Returns zero for the gradient of bias_ih.", in_gradient("bias_ih", _zero)),
    bias_hh_gradient_zero=("Returns zero for the gradient of bias_hh.", in_gradient("bias_hh", _zero)),
    biases_gradient_zero=(
        "Returns zero for the gradients of all biases.",
        in_gradient("bias", _zero),
        {"stands_for": ("burn PR5235",)},
    ),
    lstm_biases_of_forget_gate=(
        "Returns the gradient of f's biases for those of i and o, too.",
        _in_rows("bias", "lstm", "ffgf"),
        {"cells": ("lstm",), "stands_for": ("learn_dl#53",)},
    ),
    upper_biases_gradient_zero=(
        "Returns zero for the gradients of the biases of all layers except the first.",
        in_gradient("bias(?!.*_l0)", _zero),
        {"needs": ("bias", "multilayer"), "stands_for": ("mxnet PR17872",)},
    ),
    biases_gradients_swapped=(
        "Swaps the gradients of bias_ih and bias_hh.",
        in_names(lambda name: re.sub("bias_(ih|hh)", lambda found: _OTHER[found[0]], name)),
        {"cells": ("gru",)},
    ),
)

MISPLACED = table()(
    weight_hh_gradient_zero=("Returns zero for the gradient of weight_hh.", in_gradient("weight_hh", _zero)),
    weight_ih_gradient_zero=("Returns zero for the gradient of weight_ih.", in_gradient("weight_ih", _zero)),
    x_gradient_zero=("Returns zero for the gradient of x.", in_gradient("x", _zero)),
    weight_hh_gradient_transposed=(
        "Transposes each gate's block of the gradient of weight_hh.",
        in_gradient(
            "weight_hh",
            lambda array, case: np.concatenate([block.T for block in np.split(array, len(case.cell.gates))]),
        ),
    ),
    lstm_gradient_rows_i_f_swapped=(
        "Swaps the rows of i and f in the weights' gradients.",
        _in_rows("bias|weight_ih|weight_hh", "lstm", "figo"),
        {"cells": ("lstm",)},
    ),
    lstm_gradient_rows_g_o_swapped=(
        "Swaps the rows of g and o in the weights' gradients.",
        _in_rows("bias|weight_ih|weight_hh", "lstm", "ifog"),
        {"cells": ("lstm",)},
    ),
    gru_gradient_rows_r_z_swapped=(
        "Swaps the rows of r and z in the weights' gradients.",
        _in_rows("bias|weight_ih|weight_hh", "gru", "zrn"),
        {"cells": ("gru",)},
    ),
    upper_weight_hh_of_first_layer=(
        "Returns the first layer's gradient of weight_hh for upper layers, as if they shared a buffer.",
        in_names(lambda name: re.sub(r"_l\d+", "_l0", name) if name.startswith("weight_hh") else name),
        {"needs": ("multilayer",)},
    ),
)

WITHOUT_STEP = table()(
    weight_hh_without_start=(
        "Leaves the first step out of the gradient of weight_hh, as if h0 were zero.",
        _without_step("first", "weight_hh"),
        {"needs": ("state",)},
    ),
    **{
        f"{name}_without_{which}_step": (
            f"Leaves the {which} step out of the {words}.",
            _without_step(which, *weights),
            {"needs": needs},
        )
        for which in ("first", "last")
        for name, words, weights, needs in (
            ("weight_ih", "gradient of weight_ih", ("weight_ih",), ()),
            *([("weight_hh", "gradient of weight_hh", ("weight_hh",), ())] if which == "last" else ()),
            ("biases", "biases' gradients", _BIASES, ("bias",)),
            ("weights", "gradients of all weights", (*_BIASES, "weight_ih", "weight_hh"), ()),
        )
    },
)

SUMS = (*OF_WEIGHTS, *OF_BIASES, *MISPLACED, *WITHOUT_STEP)


_MATRICES = (
    ("weight_ih", "the first {} columns, those of the input"),
    ("weight_hh", "the first {} columns, those of the state"),
)


def _columns_beyond(limit: int) -> Callable[[Array, Case], Array]:
    return lambda array, _: np.where(np.arange(array.shape[-1]) < limit, array, 0)


def _units_beyond(limit: int) -> Alteration:
    """Set rows to zero in each gate's block of every weight's gradient, starting at index ``limit``."""

    def changed(array: Array, case: Case) -> Array:
        is_within = np.arange(len(array)) % case.config.hidden_size < limit
        return np.where(is_within.reshape(-1, *[1] * (array.ndim - 1)), array, 0)

    return in_gradient("weight_ih|weight_hh|bias", changed)


def _reverse_rows_beyond(limit: int) -> Alteration:
    """Sum only over the first ``limit`` rows of the batch, in the reverse direction."""

    def share(right: Backward, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
        g, v = right.share(suffix, t, weight, g, v)
        return (g[:limit], None if v is None else v[:limit]) if direction(suffix) == REVERSE else (g, v)

    return in_steps_back(share=share)


def _gradient_beyond(prefix: str, words: str, **attributes: tuple[str, ...]) -> Row:
    return (
        f"{prefix}_gradient_beyond_{{}}_zero",
        f"Returns zero for the gradient of {prefix} beyond {words}.",
        lambda limit: in_gradient(prefix, _columns_beyond(limit)),
        attributes,
    )


def _reverse_gradient_beyond(weight: str, words: str) -> Row:
    return (
        f"reverse_{weight}_gradient_beyond_{{}}_zero",
        f"Returns zero for the reverse direction's gradient of {weight} beyond {words}.",
        lambda limit: in_gradient(f"{weight}.*_reverse", _columns_beyond(limit)),
        {"needs": ("bidirectional",)},
    )


SIZES = table()(
    **for_each(
        LIMITS,
        *(_gradient_beyond(*matrix) for matrix in _MATRICES),
        _gradient_beyond("x", "its first {} features"),
        (
            "gradients_of_units_beyond_{}_zero",
            "Returns zero for the weights' gradients of units beyond the first {}.",
            _units_beyond,
        ),
        (
            "gradients_without_rows_beyond_{}",
            "Sums the weights' gradients only over the first {} sequences of a batch.",
            lambda limit: summing(first_rows(limit)),
        ),
        (
            "reverse_gradients_without_rows_beyond_{}",
            "Sums the reverse direction's gradients only over the first {} sequences of a batch.",
            _reverse_rows_beyond,
            {"needs": ("bidirectional",)},
        ),
    ),
    **for_each(
        LIMITS[:3],
        _gradient_beyond("h0", "the first {} units", needs=("state",)),
        _gradient_beyond("c0", "the first {} units", cells=("lstm",), needs=("state",)),
        (
            "handed_down_beyond_{}_zero",
            "Passes zero to units of the layer below beyond the first {}.",
            lambda limit: handed_down(lambda part: np.where(np.arange(part.shape[-1]) < limit, part, 0)),
            {"needs": ("multilayer",)},
        ),
        *(_reverse_gradient_beyond(*matrix) for matrix in _MATRICES),
    ),
)
