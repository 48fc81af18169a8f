"""The arguments of the exhaustive check, and the networks that isolate each activation."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Network
from rnn_goldens.exhaustive.sweep import ACTIVATIONS, BREAKPOINTS, WORST, Activation, arguments
from rnn_goldens.golden.precision import PRECISIONS


def every_float16() -> NDArray[np.float64]:
    values = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float64)
    return values[np.isfinite(values)]


def every_bfloat16() -> NDArray[np.float64]:
    values = (np.arange(2**16, dtype=np.uint32) << 16).view(np.float32)
    return values[np.isfinite(values)].astype(np.float64)


def test_every_number_of_a_half_precision_and_every_binade_of_float32_is_visited() -> None:
    for precision, every in (("float16", every_float16()), ("bfloat16", every_bfloat16())):
        assert np.array_equal(arguments(precision), np.sort(every))
    sample = arguments("float32")
    assert np.array_equal(sample, PRECISIONS["float32"].round(sample))
    for sign in (1, -1):
        _, exponents = np.frexp(sample[sample * sign > 0])
        assert set(exponents.tolist()) == set(range(-148, 129))


@pytest.mark.parametrize("point", [*BREAKPOINTS, *WORST])
def test_the_neighbours_of_breakpoints_and_of_worst_cases_are_in_the_sample(point: float) -> None:
    sample = set(arguments("float32").tolist())
    rounded = np.float32(point)
    for neighbour in (rounded, np.nextafter(rounded, np.float32(0)), np.nextafter(rounded, np.float32(np.inf))):
        assert {float(neighbour), -float(neighbour)} <= sample


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: f"{a.cell}-{a.name}")
def test_an_error_of_the_activation_changes_only_the_output_at_its_argument(activation: Activation) -> None:
    visited = np.array([-2.5, -0.125, 0.25, 3.0])
    case = activation.case(visited)
    shows = ("out", "h_n", "c_n").index(activation.shows)
    right = np.ravel(Network().run(case)[shows])
    for k, argument in enumerate(visited):
        wrong = np.ravel(Off(activation.name.split()[0], argument).run(case)[shows])
        assert np.flatnonzero(wrong != right).tolist() == [k]
        assert wrong[k] - right[k] > 1e-4


class Off(Network):
    """A network with an error in tanh or sigmoid at one argument."""

    def __init__(self, name: str, argument: float) -> None:
        self.name, self.argument = name, argument

    def tanh(self, z: Array) -> Array:
        return self.moved("tanh", z, super().tanh(z))

    def sigmoid(self, z: Array) -> Array:
        return self.moved("sigmoid", z, super().sigmoid(z))

    def moved(self, name: str, z: Array, y: Array) -> Array:
        return np.where((self.name == name) & np.isclose(z, self.argument, rtol=1e-9), y + 1e-3, y)
