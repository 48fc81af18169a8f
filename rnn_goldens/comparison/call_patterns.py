"""Call patterns: twice, row by row, in chunks, after a call with other weights, on non-contiguous arrays.

Each pattern makes one or more calls with the inputs of one golden, and compares outputs with the expected ones.
Gradients are computed twice, which finds gradients that accumulate over calls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import gradients_by_name
from rnn_goldens.comparison.array_conversion import NotNumbers, Output, read, refuse_own_arrays
from rnn_goldens.comparison.golden_slices import joined, longest, middle_step, of_rows, of_steps
from rnn_goldens.comparison.returned import by_name, outputs_of
from rnn_goldens.comparison.verdict import Verdict, compare
from rnn_goldens.errors import UnknownName, Unsupported
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.expected import missing_output_reason
from rnn_goldens.golden.shapes import TIME, cotangent_of

_TWO_ROUNDINGS = 2.0
"""A multiple of the tolerance: if two expected outputs differ by more, no actual output can be right for both."""

Run = Callable[[Any], Any]
"""A function ``inputs → (out, h_n)``, ``(out, (h_n, c_n))`` or ``(out, h_n, c_n)``;
or ``inputs → out`` if only out is compared."""

Call = Callable[[GoldenData | InputsData], Sequence[Any]]
"""Calls an implementation with inputs, or with the inputs of a golden; returns the outputs."""

Backward = Callable[[Any], Mapping[str, Any]]
"""A function that takes inputs with ``cotangents`` and returns gradients by name."""

ACCUMULATED = "the second call returns the sum of both: gradients accumulate over calls and are not cleared"
DIFFERS = "the second call differs from the first"


@dataclass(frozen=True)
class CallPattern:
    """A call pattern.

    Attributes:
        does: a description.
        applies: returns whether the pattern applies to a golden.
        verdict: returns the verdict on an implementation that passes a single call; None if the golden cannot show
            the bug that the pattern detects.
    """

    does: str
    applies: Callable[[GoldenData], bool]
    verdict: Callable[[Call, GoldenData], Verdict | None]


Refused = Callable[[str, Unsupported], object]
"""Called with the name of a call pattern that an implementation refuses, and the reason."""


def compare_calls(
    golden: GoldenData,
    run: Run,
    compare_once: Callable[..., Verdict],
    calls: Sequence[str] | str,
    refused: Refused = lambda _name, _why: None,
) -> Iterator[tuple[str, Verdict]]:
    """Compare the outputs of a single call with a golden and, if they are right, the outputs of other call patterns.

    Yields the name of a pattern and its verdict. The single call (``once``), which ``compare_once`` compares, comes
    first. No pattern follows a failure. A pattern is skipped if it does not apply to the golden, or if the
    implementation refuses the pattern but not the golden: then ``refused`` is called.

    Raises:
        UnknownName: no such call pattern.
        TypeError: the implementation did not return outputs.
        WrongUse: the implementation returned the golden's own arrays.
    """
    __tracebackhide__ = True
    patterns = {name: call_pattern(name) for name in ([calls] if isinstance(calls, str) else calls)}

    def call(inputs: GoldenData | InputsData) -> Sequence[Any]:
        __tracebackhide__ = True
        outputs = outputs_of(run(inputs.for_implementation() if isinstance(inputs, GoldenData) else inputs), golden)
        refuse_own_arrays(golden, *outputs)
        return outputs

    verdict = compare_once(*call(golden))
    yield "once", verdict
    for name, pattern in patterns.items():
        if not verdict.passed:
            return
        if pattern.applies(golden):
            try:
                found = pattern.verdict(call, golden)
            except Unsupported as why:
                refused(name, why)
                continue
            except Exception as error:
                error.add_note(f"in calls={name}, {pattern.does}; a single call was right")
                raise
            if found is not None:
                verdict = found
                yield name, verdict


def call_pattern(name: str) -> CallPattern:
    """Return a call pattern by its name; raises UnknownName with the names that exist."""
    try:
        return CALL_PATTERNS[name]
    except KeyError:
        raise UnknownName("call pattern", name, CALL_PATTERNS, plural="call patterns") from None


def _twice(call: Call, golden: GoldenData) -> Verdict:
    return compare(golden, *call(golden), meaning=DIFFERS)


def _rows(call: Call, golden: GoldenData) -> Verdict:
    verdicts = []
    for index in range(golden.batch_shape[0]):
        row = of_rows(golden, np.array([index]))
        verdicts.append(compare(row, *call(row), meaning=f"row {index} alone differs from the same row in the batch"))
        if not verdicts[-1].passed:
            break
    return max(verdicts, key=lambda verdict: (not verdict.passed, verdict.largest_error))


def _chunks(call: Call, golden: GoldenData) -> Verdict:
    """Run the sequence in two parts. Sequences of one time step are left out, because they have no second part.

    Raises:
        Unsupported: the state would be rounded between the parts, but not inside.
    """
    if golden.is_wide_inside:
        raise Unsupported(f"a recurrence's state is float32 inside, but {golden.dtype} between two parts")
    if golden.lengths is not None:
        golden = of_rows(golden, np.flatnonzero(golden.lengths > 1))
    first = f"steps 0 to {middle_step(golden) - 1}"
    meaning = f"{first} and then the rest, with the state carried over, give other outputs than a single call"
    return compare(golden, *_in_two_chunks(call, golden), meaning=meaning)


def _in_two_chunks(call: Call, golden: GoldenData) -> Sequence[Any]:
    middle = middle_step(golden)
    first = _apart(golden, call(of_steps(golden, 0, middle, {})))
    try:
        out = _copied(read(first[0]))  # before the second call, which may reuse the memory
    except NotNumbers:
        return first
    try:
        states = [_copied(read(state)) for state in first[1:]]
        start = {f"{n}0": state.values for n, state in zip(golden.layout.states, states, strict=True)}
    except (NotNumbers, ValueError):
        start = {}
    if not start or any(start[name].shape != shape for name, shape in golden.shapes.initial.items()):
        return next(iter(golden.expected.values())), *first[1:]  # unusable states: the comparison reports why
    second = _apart(golden, call(of_steps(golden, middle, golden.time, start)))
    try:
        return joined(out, read(second[0]), golden.axis(golden.layout.outputs[0], TIME) or 0), *second[1:]
    except (NotNumbers, ValueError):
        return second


def _apart(golden: GoldenData, found: Sequence[Any]) -> list[Any]:
    """Return the outputs of a call one by one: the output at each time step, then the last states."""
    return list(by_name(golden.layout, *found).values())


def _copied(output: Output) -> Output:
    return Output(output.values.copy(), output.dtype)


def _runs_forward_only(golden: GoldenData) -> bool:
    """Return whether a golden can be computed in two parts, from the states that the first part returns."""
    has_all_states = len(golden.layout.initial) == len(golden.layout.outputs) - 1
    return golden.config.is_forward_only and golden.offsets is None and has_all_states


def _weights(call: Call, golden: GoldenData) -> Verdict | None:
    stored = golden.stored
    other = replace(golden, stored=replace(stored, weights={name: -array for name, array in stored.weights.items()}))
    unchanged = compare(golden, *call(other))
    if unchanged.passed and _outputs_are_the_same(golden, other):
        return None
    if unchanged.passed:
        text = "weights that change between calls have no effect: with every weight negated the outputs were the same"
        return replace(unchanged, passed=False, message=f"{golden.id} in {golden.dtype}: {text}")
    meaning = "the outputs before and after a call with other weights differ"
    return compare(golden, *call(golden), meaning=meaning)


@np.errstate(all="ignore")
def _outputs_are_the_same(golden: GoldenData, other: GoldenData) -> bool:
    """Return whether the right outputs for ``other`` may pass on ``golden``; True if they cannot be computed."""
    from rnn_goldens.cells import Network, case_of, no_equations

    if no_equations(golden):
        return True
    right = Network().run(case_of(other, np.float64))
    return compare(golden, *right).largest_error <= _TWO_ROUNDINGS


def _views(call: Call, golden: GoldenData) -> Verdict:
    """Run on non-contiguous arrays, with a NaN between any two elements."""
    views = golden.for_implementation()
    parts = {"inputs": golden.inputs, "states": golden.states, "weights": golden.weights}
    for part, arrays in parts.items():  # fills the cache of the cast arrays
        vars(views)[part] = {name: _with_gaps(array) for name, array in arrays.items()}
    return compare(golden, *call(views), meaning="non-contiguous arrays give other outputs than contiguous arrays")


def _with_gaps(array: NDArray[Any]) -> NDArray[Any]:
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
    view = wide[..., ::2]
    view[...] = array
    view.flags.writeable = False
    return view


CALL_PATTERNS = {
    "twice": CallPattern("the same call once more: no state remains from the first call", lambda _: True, _twice),
    "rows": CallPattern(
        "the rows of a batch one by one: rows are independent",
        lambda golden: bool(golden.batch_shape) and golden.batch_shape[0] > 1 and golden.offsets is None,
        _rows,
    ),
    "chunks": CallPattern(
        "the sequence in two parts, with the state carried over; not for a reverse direction or an unchecked output",
        lambda golden: _runs_forward_only(golden) and not golden.not_compared and longest(golden) > 1,
        _chunks,
    ),
    "weights": CallPattern(
        "a call with other weights in between: no weights are cached", lambda golden: golden.is_network, _weights
    ),
    "views": CallPattern("arrays that are not contiguous: strides are respected", lambda _: True, _views),
}
"""The call patterns, by their names in the marker and the option."""


def compare_gradient_calls(
    golden: GoldenData, backward: Backward, compare_gradients: Callable[[Mapping[str, Any], str], Verdict]
) -> Iterator[tuple[str, Verdict]]:
    """Call an implementation twice with the same inputs; yield ``once`` and, if it is right, ``twice``, with verdicts.

    ``compare_gradients`` compares gradients by name; its second argument explains wrong ones, "" if unknown.

    Raises:
        Unsupported: a cotangent of an output that is not compared is not zero.
        TypeError: the implementation did not return gradients by name.
        WrongUse: the implementation returned the golden's own arrays.
    """
    __tracebackhide__ = True
    for name in golden.not_compared:
        if golden.cotangents[cotangent_of(name)].any():
            raise Unsupported(missing_output_reason(name, returned=True))

    def call() -> dict[str, Any]:
        __tracebackhide__ = True
        found = gradients_by_name(golden, backward(golden.for_implementation()), {})
        refuse_own_arrays(golden, *found.values())
        return found

    first = call()
    copies = {name: _copy(value) for name, value in first.items()}  # a second call may add to the same arrays
    verdict = compare_gradients(first, "")
    yield "once", verdict
    if verdict.passed:
        second = call()
        yield "twice", _with_missing(golden, compare_gradients(second, _meaning(copies, second)), verdict, second)


def _with_missing(golden: GoldenData, verdict: Verdict, first: Verdict, second: Mapping[str, Any]) -> Verdict:
    """Return the verdict on the second call, which also fails if a gradient of the first call is missing."""
    missing = [name for name in first.differences if name not in second]
    if not missing or not verdict.passed:
        return verdict
    text = f"the second call returns no gradient of {', '.join(missing)}, but the first one did"
    return replace(verdict, passed=False, message=f"{golden.id} in {golden.dtype}: {text}")


def _meaning(first: Mapping[str, NDArray[np.float64] | None], second: Mapping[str, Any]) -> str:
    doubled = (
        before is not None and before.any() and np.array_equal(2 * before, _copy(second.get(name)))
        for name, before in first.items()
    )
    return ACCUMULATED if any(doubled) else DIFFERS


def _copy(value: object) -> Any:  # noqa: ANN401 - an array, or None
    try:
        return read(value).values.copy()
    except NotNumbers:
        return None
