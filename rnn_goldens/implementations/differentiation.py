"""Gradients of functions that return outputs: a library traces the arrays that they are called with.

The gradients are those of the loss that a golden's cotangents define.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.call_patterns import Backward
from rnn_goldens.comparison.returned import by_name, is_array, only_array, outputs_of, possible_counts, unknown
from rnn_goldens.conventions import convention as named
from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.golden.expected import missing_output_reason, output_of
from rnn_goldens.golden.precision import precision_name
from rnn_goldens.implementations.array_library import JAX, TORCH, Back, Library, Make, Named, library_of_array


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TracedInputs(Inputs):
    """Inputs with ``x``, initial states and weights of a framework.

    Attributes:
        make: creates arrays that are not traced.
    """

    make: Make

    def weights_as(self, convention: str) -> dict[str, Any]:
        """Return the weights as ``Inputs.weights_as`` does, with arrays derived from the traced weights."""
        untraced = super().weights_as(convention)
        found: dict[str, Any] = {}
        for name, targets in named(convention).places(self.cell, self.network, self.layout).items():
            numbers = self.weights[name].reshape(-1)
            for target, positions in targets.items():
                index = np.maximum(np.abs(positions) - 1, 0).astype(np.int64)
                part = numbers[self.make(index)] * self.make(np.sign(positions).astype(untraced[target].dtype))
                found[target] = found[target] + part if target in found else part
        return {target: found[target] if target in found else self.make(array) for target, array in untraced.items()}

    def in_precision(self, dtype: object) -> "TracedInputs":
        """Return itself; raises Unsupported for another precision, whose arrays would not be traced."""
        if precision_name(dtype) != self.dtype:
            raise Unsupported("a function that requests another precision cannot be differentiated")
        return self


def arrays_of(golden: Inputs) -> dict[str, NDArray[Any]]:
    """Return the arrays to differentiate by; those of a network under PyTorch's names."""
    return {**given_arrays(golden), **golden.weights}


def given_arrays(golden: Inputs) -> dict[str, NDArray[Any]]:
    """Return the inputs and, if the golden has them, the initial states."""
    return {**golden.inputs, **golden.given_states}


def initial_state(golden: Inputs, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - arrays of any library
    """Return the second argument of ``nn.RNN`` from arrays by name: a state, a tuple of them, or None for none."""
    states = tuple(given[name] for name in golden.given_states)
    return states if len(states) > 1 else next(iter(states), None)


def traced(golden: Inputs, arrays: Mapping[str, Any], make: Make) -> TracedInputs:
    """Return the inputs with a framework's arrays instead of those of ``arrays_of``."""
    inputs = TracedInputs(**{f.name: getattr(golden, f.name) for f in fields(Inputs)}, make=make)
    groups = {"inputs": golden.inputs, "weights": golden.weights, "states": golden.given_states}
    named = {group: MappingProxyType({n: arrays[n] for n in names}) for group, names in groups.items() if names}
    vars(inputs).update(named)  # where cached properties are stored
    return inputs


def with_cotangents(golden: Inputs, outputs: Any) -> dict[str, Any]:  # noqa: ANN401 - of a network
    """Return out, and each output whose cotangent is not zero, by cotangent: the loss has no other terms.

    Raises Unsupported if one of these outputs is not returned, and TypeError if none is.
    """
    first, *others = golden.cotangents
    if (alone := only_array(outputs)) is not None:
        found = {output_of(first): alone}
    else:
        found = by_name(golden.layout, *outputs_of(outputs, layout=golden.layout))
    needed = [first, *(name for name in others if golden.cotangents[name].any())]
    for name in needed[1:]:
        if found.get(output_of(name)) is None:
            raise Unsupported(missing_output_reason(output_of(name)))
    return {name: found[output_of(name)] for name in needed}


def gradients(
    library: Library,
    golden: Inputs,
    forward: Callable[[Named], Any],
    leaves: Mapping[str, Any],
    convention: str = "torch",
) -> Mapping[str, Any]:
    """Return the gradients of outputs by a library's arrays; None or zeros for one that no output depends on.

    ``forward`` computes outputs from the arrays ``leaves``: inputs, given initial states, and weights of a convention,
    whose gradients are converted to PyTorch's. Raises TypeError if an output depends on none of the arrays, or has
    another shape than its cotangent.
    """
    __tracebackhide__ = True

    def by_cotangent(arrays: Named) -> Named:
        __tracebackhide__ = True
        return with_cotangents(golden, forward(arrays))

    found = _pulled_back(library, golden, *library.vjp(by_cotangent, {**leaves}))
    if convention == "torch":
        return found
    given = given_arrays(golden)
    by_weights = {name: gradient for name, gradient in found.items() if name not in given}
    return {**{name: found[name] for name in given}, **golden.gradients_from(convention, by_weights)}


def _pulled_back(library: Library, golden: Inputs, outputs: Named, back: Back) -> Mapping[str, Any]:
    """Return the gradients for a golden's cotangents, from what ``vjp`` returned."""
    __tracebackhide__ = True
    if constant := library.constant(outputs):
        raise TypeError(
            f"{', '.join(map(output_of, constant))} cannot be differentiated: they depend on no tensor that requires a "
            "gradient; was it detached, or computed in torch.no_grad() or outside of torch?"
        )
    cotangents = {}
    for name, output in outputs.items():
        has, wanted = tuple(output.shape), golden.cotangents[name].shape
        if has != wanted:
            raise TypeError(f"{output_of(name)} has shape {has}, want {wanted}, the shape of {name}")
        cotangents[name] = library.asarray(golden.cotangents[name], output.dtype)
    found = back(cotangents)
    library.limit_cache()
    return found


def differentiated(function: Callable[[Inputs], Any], golden: Inputs, outputs: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """Call a user's function again with traced arrays, and differentiate its outputs, whose type selects the library.

    Raises:
        Unsupported: the outputs are of neither JAX nor torch, or the function does not compute with traced arrays.
        TypeError: an output does not depend on any of the arrays, or has another shape than its cotangent.
        Exception: raised by the user's own backward code.
    """
    __tracebackhide__ = True
    found = {output_of(name): output for name, output in with_cotangents(golden, outputs).items()}
    libraries = {library_of_array(output) for output in found.values()}
    library = libraries.pop() if len(libraries) == 1 else None
    if library not in (JAX, TORCH):
        kinds = ", ".join(f"{name} as {type(o).__module__}.{type(o).__name__}" for name, o in found.items())
        raise Unsupported(
            f"the function returned {kinds}: only outputs in JAX or in torch can be differentiated; "
            "any other function must return gradients by name where golden.has_cotangents"
        )

    def forward(arrays: Named) -> Named:
        __tracebackhide__ = True
        return with_cotangents(golden, function(traced(golden, arrays, library.asarray)))

    with library.in_precision(golden):
        leaves = {name: library.asarray(array) for name, array in arrays_of(golden).items()}
        try:
            traced_outputs, back = library.vjp(forward, leaves)
        except (RnnGoldensError, Unsupported):
            raise
        except Exception as error:  # the earlier call with NumPy arrays succeeded
            if library.is_traceable(forward, leaves):  # the failure is in the user's own backward code
                raise
            reason = (str(error).strip() or "no reason given").splitlines()[0]
            what = f"{library.name} cannot differentiate the function"
            raise Unsupported(f"{what}: {type(error).__name__}: {reason}") from error
        if len(library.constant(traced_outputs)) == len(traced_outputs):
            raise Unsupported(
                f"{library.name} cannot differentiate the function: no output depends on its input tensors, which "
                "torch.tensor, detach and torch.no_grad detach. To convert arrays: x if torch.is_tensor(x) else "
                "torch.tensor(x)"
            )
        return _pulled_back(library, golden, traced_outputs, back)


def with_gradients(function: Callable[[Inputs], Any]) -> Backward:
    """Return a function that returns gradients, for one that returns either them or outputs to differentiate."""

    def backward(golden: Inputs) -> Mapping[str, Any]:
        __tracebackhide__ = True
        found = function(golden)
        if _are_outputs(found, golden):
            return differentiated(function, golden, found)
        gradients: Mapping[str, Any] = found
        return gradients

    return backward


def _are_outputs(found: object, golden: Inputs) -> bool:
    """Return whether a function returned outputs rather than gradients by name."""
    if isinstance(found, Mapping):
        return bool(found) and not unknown(golden.layout, found)
    counts = {1, *possible_counts(golden.layout)}
    return is_array(found) or (isinstance(found, tuple | list) and len(found) in counts)
