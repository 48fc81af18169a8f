"""Gradients of weights to which one step adds nothing: a loop that begins late, or ends early."""

from collections.abc import Iterator

from rnn_goldens.cells import Array, Backward
from rnn_goldens.cells.backward import Factors
from rnn_goldens.deviations.deviation import Deviation, Wrong, in_network

_WEIGHTS, _BIAS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), ("bias",)

FIRST, LAST = "first", "last"


def without_step(which: str, *weights: str) -> Wrong:
    """The first step that a direction computes, or the last, adds nothing to the gradients of some weights."""

    class WithoutStep(Backward):
        def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
            times = [time for of, time in self.kept if of == suffix]
            left_out = min(times) if (which == FIRST) is not suffix.endswith("_reverse") else max(times)
            return super().share(suffix, t, weight, 0 * g if weight in weights and t == left_out else g, v)

    return in_network(WithoutStep)


def _without(which: str, *matrices: str) -> Iterator[Deviation]:
    """A step left out of each of some matrices' gradients, of the biases', and of all."""
    leaves = f"Leaves the {which} step out of the"
    for name in matrices:
        yield Deviation(f"{name}_without_{which}_step", f"{leaves} gradient of {name}.", without_step(which, name))
    yield Deviation(
        f"biases_without_{which}_step",
        f"{leaves} biases' gradients.",
        without_step(which, "bias_ih", "bias_hh"),
        needs=_BIAS,
    )
    yield Deviation(
        f"weights_without_{which}_step", f"{leaves} gradients of all weights.", without_step(which, *_WEIGHTS)
    )


DEVIATIONS = (
    Deviation(
        "weight_hh_without_start",
        "Leaves the first step out of the gradient of weight_hh, as if h0 were zero.",
        without_step(FIRST, "weight_hh"),
        needs=("state",),
    ),
    *_without(FIRST, "weight_ih"),
    *_without(LAST, "weight_ih", "weight_hh"),
)
