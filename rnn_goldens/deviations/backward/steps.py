"""Gradients of weights to which one step adds nothing: a loop that begins late, or ends early."""

from rnn_goldens.cells import Array, Backward
from rnn_goldens.cells.backward import Factors
from rnn_goldens.deviations.backward.wrong import BackwardDeviation, WrongBackward

_WEIGHTS, _BIAS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), ("bias",)

FIRST, LAST = "first", "last"


def without_step(which: str, *weights: str) -> WrongBackward:
    """The first step that a direction computes, or the last, adds nothing to the gradients of some weights."""

    class WithoutStep(Backward):
        def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
            times = [time for of, time in self.kept if of == suffix]
            left_out = min(times) if (which == FIRST) is not suffix.endswith("_reverse") else max(times)
            return super().share(suffix, t, weight, 0 * g if weight in weights and t == left_out else g, v)

    return WrongBackward(steps=(WithoutStep,))


DEVIATIONS = (
    BackwardDeviation(
        "weight_hh_without_start",
        "Leaves the first step out of the gradient of weight_hh, as if h0 were zero.",
        without_step(FIRST, "weight_hh"),
        needs=("state",),
    ),
    BackwardDeviation(
        "weight_ih_without_first_step",
        "Leaves the first step out of the gradient of weight_ih.",
        without_step(FIRST, "weight_ih"),
    ),
    BackwardDeviation(
        "biases_without_first_step",
        "Leaves the first step out of the biases' gradients.",
        without_step(FIRST, "bias_ih", "bias_hh"),
        needs=_BIAS,
    ),
    BackwardDeviation(
        "weights_without_first_step",
        "Leaves the first step out of the gradients of all weights.",
        without_step(FIRST, *_WEIGHTS),
    ),
    BackwardDeviation(
        "weight_ih_without_last_step",
        "Leaves the last step out of the gradient of weight_ih.",
        without_step(LAST, "weight_ih"),
    ),
    BackwardDeviation(
        "weight_hh_without_last_step",
        "Leaves the last step out of the gradient of weight_hh.",
        without_step(LAST, "weight_hh"),
    ),
    BackwardDeviation(
        "biases_without_last_step",
        "Leaves the last step out of the biases' gradients.",
        without_step(LAST, "bias_ih", "bias_hh"),
        needs=_BIAS,
    ),
    BackwardDeviation(
        "weights_without_last_step",
        "Leaves the last step out of the gradients of all weights.",
        without_step(LAST, *_WEIGHTS),
    ),
)
