"""Gradients of weights without one step: a loop that starts late or ends early."""

from collections.abc import Iterator

from rnn_goldens.cells import Array, Backward
from rnn_goldens.cells.backward import Factors
from rnn_goldens.deviations.alteration import Alteration, in_network
from rnn_goldens.deviations.deviation import Deviation

_WEIGHTS, _BIAS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), ("bias",)

FIRST, LAST = "first", "last"


def without_step(which: str, *weights: str) -> Alteration:
    """Leave the first or last step of each direction out of the gradients of some weights."""

    class WithoutStep(Backward):
        def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
            times = [step for direction, step in self.kept if direction == suffix]
            left_out = min(times) if (which == FIRST) is not suffix.endswith("_reverse") else max(times)
            return super().share(suffix, t, weight, 0 * g if weight in weights and t == left_out else g, v)

    return in_network(WithoutStep)


def _without(which: str, *matrices: str) -> Iterator[Deviation]:
    """Yield deviations that leave a step out of the gradient of each matrix, of the biases, and of all weights."""
    description = f"Leaves the {which} step out of the"
    for name in matrices:
        yield Deviation(f"{name}_without_{which}_step", f"{description} gradient of {name}.", without_step(which, name))
    yield Deviation(
        f"biases_without_{which}_step",
        f"{description} biases' gradients.",
        without_step(which, "bias_ih", "bias_hh"),
        needs=_BIAS,
    )
    yield Deviation(
        f"weights_without_{which}_step", f"{description} gradients of all weights.", without_step(which, *_WEIGHTS)
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
