"""Gradients of an implementation against those of a golden: how each differs, and the verdict on all."""

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.gradients import COTANGENTS, Gradients
from rnn_goldens.judging import outputs
from rnn_goldens.judging.differences import Difference, Wanted, compared, difference, not_comparable
from rnn_goldens.judging.gradient_text import gradient_text
from rnn_goldens.judging.place import gradient_place
from rnn_goldens.judging.verdict import Verdict

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

_STATES = ("h0", "c0")
_OF_SAME_SHAPE = {"h0": "h_n", "c0": "c_n"}
"""By an array, the output that a wrong gradient of it may be."""
_MATRIX = 2


@np.errstate(all="ignore")  # whatever np.seterr an implementation leaves behind
def compare_gradients(golden: "GoldenData", given: Mapping[str, object], *, said: str = "") -> Verdict:
    """Compare gradients with those of a golden.

    Args:
        golden: the golden, with gradients.
        given: by name, array-likes of any library. What is left out is not checked, nor is an initial state's that the
            golden does not give, nor None where the gradient is zero everywhere, as torch has it of what nothing
            follows from; nothing at all does not pass.
        said: what it means if they differ, where it means more than that they are wrong.

    Raises:
        WrongUse: the golden was loaded without gradients.
        UnknownName: its gradients can not be checked in this precision.
    """
    stored = gradients_of(golden)
    own_start = set(_STATES[: len(golden.layout.states)]) - stored.expected.keys()
    unused = {name for name, want in stored.expected.items() if given.get(name) is None and not want.any()}
    left_out = own_start | unused
    in_order = [name for name in dict.fromkeys((*stored.expected, *given)) if name in given and name not in left_out]
    differences = {name: gradient_difference(golden, name, given[name]) for name in in_order}
    named = (*stored.expected, *sorted(own_start & given.keys()))
    not_checked = tuple(name for name in named if name not in differences)
    passed = bool(differences) and all(found.passed for found in differences.values())
    largest = max((found.largest_error for found in differences.values()), default=float("inf"))
    message = "" if passed else gradient_text(golden, list(differences.values()), not_checked, said)
    return Verdict(passed, largest, differences, message, not_checked=not_checked)


def gradients_of(golden: "GoldenData") -> Gradients:
    """What is stored of a golden's gradients.

    Raises:
        WrongUse: nothing is, or it was not loaded.
        UnknownName: they can not be checked in its precision.
    """
    stored = golden.gradients
    if stored is None:
        raise WrongUse(
            f"{golden.id} was loaded without gradients: load(…, gradients=True) has them, read(…, gradients=True), and "
            "the marker rnn_goldens(gradients=True)"
        )
    if golden.dtype not in stored.precisions:
        kind = f"precision of the gradients of {golden.id}"
        raise UnknownName(kind, golden.dtype, stored.precisions, plural=f"Precisions of the gradients of {golden.id}")
    return stored


def gradient_difference(golden: "GoldenData", name: str, value: object) -> Difference:
    """Compare one gradient of an implementation with a golden's."""
    stored = gradients_of(golden)
    if name not in stored.expected:
        return not_comparable(name, _unknown(golden, name, stored))
    want = stored.expected[name]
    if value is None:
        return not_comparable(
            name,
            "is None: torch fills .grad in backward(), and only of tensors that were told requires_grad_() before the "
            "forward pass and that the outputs follow from",
        )
    try:
        output = outputs.read(value)
    except outputs.NotNumbers as error:
        return not_comparable(name, str(error))
    if output.values.shape != want.shape:
        return not_comparable(name, _shape_problem(name, output.values.shape, want.shape), output.dtype)
    wanted = Wanted(
        name=name,
        values=want,
        tolerance=stored.tolerance,
        dtype=golden.dtype,
        place=lambda index: gradient_place(golden.config, golden.layout, name, index),
        first=lambda wrong: _first(name, wrong),
        has_time=name == "x",
    )
    found = compared(wanted, output)
    other = None if found.passed or found.problem else _something_else(golden, wanted, output)
    return found if other is None else not_comparable(name, other, output.dtype)


def _unknown(golden: "GoldenData", name: str, stored: Gradients) -> str:
    if name in COTANGENTS.values():
        return "is an output, and has no gradient here: check(out, h_n) compares outputs"
    if name.startswith("bias_") and not golden.config.bias:
        return "was given, but this network has no biases"
    nearest = difflib.get_close_matches(name, stored.expected, n=2, cutoff=0.4)
    if nearest:
        return f"is no array of this golden; did you mean {' or '.join(nearest)}?"
    return f"is no array of this golden; there are {', '.join(stored.expected)}"


def _shape_problem(name: str, got: tuple[int, ...], want: tuple[int, ...]) -> str:
    hint = ""
    if name == "x" and len(want) == 3 and got == (want[1], want[0], want[2]):  # noqa: PLR2004
        hint = "; it looks time-major, x is batch-first: (batch, time, input)"
    elif len(want) == _MATRIX and got == want[::-1]:
        hint = f"; it is transposed: PyTorch's {name} is (gates·hidden, columns)"
    elif [n for n in got if n != 1] == [n for n in want if n != 1]:
        hint = "; only axes of size 1 differ"
    return f"has shape {got}, want {want}{hint}"


def _something_else(golden: "GoldenData", wanted: Wanted, output: outputs.Output) -> str | None:
    """What an array of the right shape is in truth: its transpose, an array that was handed out, or an output."""
    got, name = output.values, wanted.name
    if got.ndim == _MATRIX and got.shape[0] == got.shape[1]:
        turned = compared(wanted, outputs.Output(got.T.copy(), output.dtype))
        if turned.passed:
            return "is transposed: its transpose is right"
    arrays = {**golden.stored.weights, "x": golden.stored.x, "h0": golden.stored.h0, "c0": golden.stored.c0}
    itself = arrays.get(name)
    if itself is not None and got.shape == itself.shape and (got == itself).all() and got.any():
        return f"is {name} itself, not its gradient, which torch has in {name}.grad"
    if (of := _OF_SAME_SHAPE.get(name)) is not None and got.any() and difference(golden, of, got).passed:
        return f"is {of}, an output, and no gradient: check(out, h_n) compares outputs"
    return None


def _first(name: str, wrong: NDArray[np.intp]) -> tuple[int, ...]:
    """The index that a backward pass computes first: of x the last in time."""
    row = wrong[wrong[:, -2].argmax()] if name == "x" else wrong[0]
    return tuple(int(i) for i in row)
