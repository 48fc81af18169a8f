"""The actual outputs or gradients: arrays of any library by name, each converted once."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.array_conversion import NotNumbers, Output, read
from rnn_goldens.comparison.returned import compared_outputs
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.larger_golden import gathered, original
from rnn_goldens.golden.rounding_profile import Profile
from rnn_goldens.golden.shapes import Axes
from rnn_goldens.plurals import counted

HOW = "check_gradients({'x': …, 'weight_ih_l0': …}), or check_gradients(module, x=x.grad)"

_NO_GRADIENT = (
    "is None: torch fills .grad in backward(), but only for tensors that the outputs depend on and that had "
    "requires_grad set before the forward pass"
)


@dataclass(frozen=True, eq=False)
class Actual:
    """Actual outputs or gradients for a golden.

    Attributes:
        golden: the golden, in its precision.
        of: ``outputs`` or ``gradients``.
        arrays: numeric arrays by name, of any shape.
        problems: the reason why an array cannot be compared, by name.
        left_out: names of gradients that were passed but are not checked: the gradient of an initial state that the
            golden does not define, or a None where zero is expected (torch's ``.grad`` of an unused array).
    """

    golden: GoldenData
    of: str
    arrays: Mapping[str, Output]
    problems: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    @cached_property
    def expected(self) -> Expected:
        """The expected values."""
        return self.golden.expected_of(self.of)

    def axes(self, name: str) -> Axes:
        """Return the names of the axes of an array."""
        return self.golden.axes(name)

    @property
    def own(self) -> "Actual":
        """The elements of the golden before it was embedded."""
        if self.golden.embedding is None:
            return self
        values = gathered(self.golden, {name: output.values for name, output in self.arrays.items()})
        arrays = {name: replace(output, values=values[name]) for name, output in self.arrays.items()}
        return replace(self, golden=original(self.golden), arrays=arrays)

    def under(self, profile: Profile) -> "Actual":
        """Return the same arrays for the golden under another profile."""
        return replace(self, golden=replace(self.golden, profile=profile))

    @property
    def names(self) -> list[str]:
        """Names of the checked arrays in the order of the golden; unknown names come last."""
        names = {**self.arrays, **self.problems}
        return [n for n in dict.fromkeys((*self.expected.values, *names)) if n in names and n not in self.left_out]

    @property
    def not_checked(self) -> tuple[str, ...]:
        """Names of outputs that were not selected, or of gradients that are missing or left out."""
        if self.of == OUTPUTS:
            return self.golden.not_compared
        checked, expected = set(self.names), self.expected.values
        return tuple(n for n in (*expected, *(n for n in self.left_out if n not in expected)) if n not in checked)

    @cached_property
    def numbers(self) -> Mapping[str, NDArray[np.float64]]:
        """Arrays by name for diagnosis; zeros for a gradient that is None.

        Empty if a gradient is not numeric or has an unknown name: then the gradients were passed wrongly.
        """
        if self.of == GRADIENTS and self.problems.keys() - self.arrays.keys():
            return {}
        return {name: output.values for name, output in self.arrays.items()}


def actual_outputs(
    golden: GoldenData, out: object = None, h_n: object = None, c_n: object = None, *more: object
) -> Actual:
    """Return the outputs to compare. Takes the arguments of ``Golden.compare``, and further last states."""
    return actual_by_name(golden, compared_outputs(golden, out, h_n, c_n, *more))


def actual_by_name(golden: GoldenData, outputs: Mapping[str, object]) -> Actual:
    """Return the outputs to compare from a mapping; those that are None are missing."""
    expected = golden.expected_of().values
    arrays, problems = dict[str, Output](), dict[str, str]()
    for name, value in outputs.items():
        if name not in expected:
            nearest = difflib.get_close_matches(
                str(name), [n for n in expected if n not in outputs or outputs[n] is None], 1
            )
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            problems[name] = f"was given, but a golden for {golden.cell} has no {name}{hint}"
            continue
        try:
            arrays[name] = read(value)
        except NotNumbers as error:
            problems[name] = str(error)
    first, *others = outputs
    given, missing = ([n for n in others if (outputs[n] is None) is is_none] for is_none in (False, True))
    if missing and outputs[first] is not None and expected.keys() >= set(given):
        problems[missing[0]] += f"; {_without_others(first, given)}"
    return Actual(golden, OUTPUTS, arrays, problems)


def _without_others(first: str, states: list[str]) -> str:
    """Return how to compare only the outputs that an implementation returns."""
    names = ["out", *states]
    listed = ", ".join(f'"{name}"' for name in names)
    return (
        f"to check {' and '.join([first, *states])} alone, outputs=[{listed}] in check(…) or in the marker, or "
        f"--rnn-goldens-outputs={','.join(names)}"
    )


def actual_gradients(golden: GoldenData, by_name: Mapping[str, object]) -> Actual:
    """Return the gradients to compare. Raises WrongUse or UnknownName if the golden has none in its precision."""
    expected = golden.expected_of(GRADIENTS).values
    arrays, problems, left_out = dict[str, Output](), dict[str, str](), list[str]()
    for name, value in by_name.items():
        if name not in expected:
            if name in golden.layout.initial:
                left_out.append(name)
            else:
                problems[name] = _unknown(golden, name, expected)
            continue
        if value is None:
            arrays[name] = Output(np.zeros_like(expected[name]), golden.dtype)
            if expected[name].any():
                problems[name] = _NO_GRADIENT
            else:
                left_out.append(name)
            continue
        try:
            arrays[name] = read(value)
        except NotNumbers as error:
            problems[name] = str(error)
    return Actual(golden, GRADIENTS, arrays, problems, tuple(sorted(left_out)))


def _unknown(golden: GoldenData, name: str, expected: Mapping[str, object]) -> str:
    if name in golden.layout.outputs:
        return "is an output and has no gradient here: check(out, h_n) compares outputs"
    if name.startswith("bias_") and not golden.config.get("bias", True):
        return "was given, but this network has no biases"
    nearest = difflib.get_close_matches(name, expected, n=2, cutoff=0.4)
    if nearest:
        return f"is not an array of this golden; did you mean {' or '.join(nearest)}?"
    return f"is not an array of this golden; its arrays: {', '.join(expected)}"


def gradients_by_name(golden: InputsData, gradients: object, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return gradients by name from a mapping, a torch module after ``backward()`` or None, and from keywords.

    Raises TypeError for anything else, such as outputs, and for a name that is not a string or is given twice.
    """
    found = _by_name(golden, gradients)
    if twice := sorted(found.keys() & named.keys()):
        raise TypeError(f"the gradient of {', '.join(twice)} is given twice: in the first argument and by name")
    if not_names := [name for name in found if not isinstance(name, str)]:
        raise TypeError(f"gradients are given by name; {not_names[0]!r} is not a name: {HOW}")
    return {**found, **named}


def _by_name(golden: InputsData, gradients: Any) -> dict[str, Any]:  # noqa: ANN401 - any argument of a user
    if gradients is None:
        return {}
    if isinstance(gradients, Mapping):
        return dict(gradients)
    if hasattr(gradients, "named_parameters"):
        return _of_module(golden, gradients)
    if isinstance(gradients, tuple | list):
        outputs = " are these the outputs? check(out, h_n) compares those;" if len(gradients) in (2, 3) else ""
        kind = f"a {type(gradients).__name__} of {counted(len(gradients), 'part')}:{outputs} gradients"
        raise TypeError(f"got {kind} are given by name: {HOW}")
    raise TypeError(f"got a {type(gradients).__name__}; gradients are given by name: {HOW}")


def _of_module(golden: InputsData, module: Any) -> dict[str, Any]:  # noqa: ANN401 - a torch.nn.Module
    """Return the gradients of a module's parameters by name, without a prefix that all names share."""
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    prefixes = {name.rpartition(".")[0] for name in found}
    if len(prefixes) == 1 and {name.rpartition(".")[2] for name in found} <= set(golden.stored.weights):
        return {name.rpartition(".")[2]: gradient for name, gradient in found.items()}
    return found
