"""What was given for a golden, outputs or gradients: arrays by name, of any library, each converted once."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.counted import counted
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.judging.outputs import NotNumbers, Output, compared_outputs, read

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData, QuestionData

HOW = "check_gradients({'x': …, 'weight_ih_l0': …}), or check_gradients(module, x=x.grad)"

_OUT_ALONE = 'to check out alone, check(out, outputs=["out"]) or @pytest.mark.rnn_goldens(outputs=["out"])'

_NO_GRADIENT = (
    "is None: torch fills .grad in backward(), and only of tensors that were told requires_grad_() before the forward "
    "pass and that the outputs follow from"
)


@dataclass(frozen=True, eq=False)
class Given:
    """What was given for a golden.

    Attributes:
        golden: the golden, in its precision.
        of: ``outputs`` or ``gradients``.
        arrays: by name, what holds numbers, whatever its shape.
        problems: by name, why something is not compared.
        left_out: the names of gradients that are not checked, though something was given for them: of an initial state
            that the golden does not give, and None where the gradient is zero everywhere, as torch has it of what
            nothing follows from.
    """

    golden: "GoldenData"
    of: str
    arrays: Mapping[str, Output]
    problems: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    @cached_property
    def expected(self) -> Expected:
        """What it is compared with."""
        return self.golden.expected(self.of)

    @property
    def names(self) -> list[str]:
        """Of what is checked, in the order of the golden; what the golden has not comes last."""
        given = {**self.arrays, **self.problems}
        return [n for n in dict.fromkeys((*self.expected.values, *given)) if n in given and n not in self.left_out]

    @property
    def not_checked(self) -> tuple[str, ...]:
        """The names of outputs that are not to be compared, or of gradients that were not given or are left out."""
        if self.of == OUTPUTS:
            return self.golden.not_compared
        checked, expected = set(self.names), self.expected.values
        return tuple(n for n in (*expected, *(n for n in self.left_out if n not in expected)) if n not in checked)

    @cached_property
    def numbers(self) -> Mapping[str, NDArray[np.float64]]:
        """What can be looked into, by name: of what no gradient comes back to, zeros.

        Nothing of gradients of which one is of no array of the golden, or no array: how they were handed over is wrong.
        """
        if self.of == GRADIENTS and self.problems.keys() - self.arrays.keys():
            return {}
        return {name: output.values for name, output in self.arrays.items()}


def outputs_given(golden: "GoldenData", out: object = None, h_n: object = None, c_n: object = None) -> Given:
    """Outputs, given as for ``Golden.compare``, of which those that are not compared are left out."""
    expected = golden.expected().values
    arrays, problems = dict[str, Output](), dict[str, str]()
    given = compared_outputs(golden, out, h_n, c_n)
    for name, value in given.items():
        if name not in expected:
            problems[name] = f"was given, but a golden for {golden.cell} has none"
            continue
        try:
            arrays[name] = read(value)
        except NotNumbers as error:
            problems[name] = str(error)
    if "h_n" in given and all(value is None for name, value in given.items() if name != "out"):
        problems["h_n"] += f"; {_OUT_ALONE}"
    return Given(golden, OUTPUTS, arrays, problems)


def gradients_given(golden: "GoldenData", by_name: Mapping[str, object]) -> Given:
    """Gradients by name.

    Raises:
        WrongUse: the golden was loaded without gradients.
        UnknownName: its gradients cannot be checked in this precision.
    """
    expected = golden.expected(GRADIENTS).values
    arrays, problems, left_out = dict[str, Output](), dict[str, str](), list[str]()
    for name, value in by_name.items():
        if name not in expected:
            if name in {f"{state}0" for state in golden.layout.states}:
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
    return Given(golden, GRADIENTS, arrays, problems, tuple(sorted(left_out)))


def _unknown(golden: "GoldenData", name: str, expected: Mapping[str, object]) -> str:
    if name in COTANGENTS.values():
        return "is an output, and has no gradient here: check(out, h_n) compares outputs"
    if name.startswith("bias_") and not golden.config.bias:
        return "was given, but this network has no biases"
    nearest = difflib.get_close_matches(name, expected, n=2, cutoff=0.4)
    if nearest:
        return f"is no array of this golden; did you mean {' or '.join(nearest)}?"
    return f"is no array of this golden; there are {', '.join(expected)}"


def gradients_by_name(golden: "QuestionData", gradients: object, named: Mapping[str, Any]) -> dict[str, Any]:
    """Gradients by name, from what people have: a mapping, keywords, or a torch module after ``backward()``.

    Args:
        golden: whose.
        gradients: a mapping; a torch module, whose parameters' ``.grad`` count; or None.
        named: others.

    Raises:
        TypeError: it is something else, such as outputs, or a name is given twice.
    """
    found = _by_name(golden, gradients)
    if twice := sorted(found.keys() & named.keys()):
        raise TypeError(f"the gradient of {', '.join(twice)} is given twice: in the first argument and by name")
    if odd := [name for name in found if not isinstance(name, str)]:
        raise TypeError(f"gradients are given by name, and {odd[0]!r} is none: {HOW}")
    return {**found, **named}


def _by_name(golden: "QuestionData", gradients: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a user gave
    if gradients is None:
        return {}
    if isinstance(gradients, Mapping):
        return dict(gradients)
    if hasattr(gradients, "named_parameters"):
        return _of_module(golden, gradients)
    if isinstance(gradients, tuple | list):
        outputs = " are these the outputs? check(out, h_n) compares those;" if len(gradients) in (2, 3) else ""
        what = f"a {type(gradients).__name__} of {counted(len(gradients), 'part')}:{outputs} gradients"
        raise TypeError(f"what was given is {what} are given by name: {HOW}")
    raise TypeError(f"what was given is a {type(gradients).__name__}; gradients are given by name: {HOW}")


def _of_module(golden: "QuestionData", module: Any) -> dict[str, Any]:  # noqa: ANN401 - a torch.nn.Module
    """The gradients of its parameters, by PyTorch's names: without what stands before all of them."""
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    before = {name.rpartition(".")[0] for name in found}
    if len(before) == 1 and {name.rpartition(".")[2] for name in found} <= set(golden.stored.weights):
        return {name.rpartition(".")[2]: gradient for name, gradient in found.items()}
    return found
