"""Call patterns: ways of calling an implementation again, with the same steps, that must not change its results.

Each pattern makes one or more calls with the inputs of one golden, and compares outputs with the expected ones.
Gradients are computed twice, which finds gradients that accumulate over calls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison import calls_as_served as served
from rnn_goldens.comparison import calls_in_parts as parts
from rnn_goldens.comparison.actual import actual_outputs, gradients_by_name
from rnn_goldens.comparison.array_conversion import NotNumbers, read, refuse_own_arrays
from rnn_goldens.comparison.calls_in_parts import Caller, Results
from rnn_goldens.comparison.golden_slices import longest, of_rows
from rnn_goldens.comparison.returned import outputs_of
from rnn_goldens.comparison.states import state_differences
from rnn_goldens.comparison.verdict import Verdict, compare, verdict_on
from rnn_goldens.errors import UnknownName, Unsupported
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.expected import missing_output_reason
from rnn_goldens.golden.shapes import cotangent_of

_TWO_ROUNDINGS = 2.0
"""A multiple of the tolerance: if two expected outputs differ by more, no actual output can be right for both."""

Run = Callable[[Any], Any]
"""A function ``inputs → (out, h_n)``, ``(out, (h_n, c_n))`` or ``(out, h_n, c_n)``;
or ``inputs → out`` if only out is compared."""

Backward = Callable[[Any], Mapping[str, Any]]
"""A function that takes inputs with ``cotangents`` and returns gradients by name."""

ACCUMULATED = "the second call returns the sum of both: gradients accumulate over calls and are not cleared"
DIFFERS = "the second call differs from the first"


@dataclass(frozen=True)
class CallPattern:
    """A call pattern.

    Attributes:
        name: its name in the marker and the option.
        does: a description.
        applies: returns whether the pattern applies to a golden.
        results: yields the results of its calls, which are compared one by one; nothing if the golden cannot show the
            bug that the pattern detects.
        reads_results: whether ``results`` reads what an implementation returns itself.
    """

    name: str
    does: str
    applies: Callable[[GoldenData], bool]
    results: Callable[[Any, GoldenData], Iterator[Results]]
    reads_results: bool = False

    def of(self, run: Run, golden: GoldenData) -> Iterator[Results]:
        """Yield the results of an implementation."""
        return self.results((_guarded if self.reads_results else _caller)(run, golden), golden)


Refused = Callable[[str, Unsupported], object]
"""Called with the name of a call pattern that an implementation refuses, and the reason."""

Explain = Callable[[Verdict, Results, Sequence[CallPattern], int], Verdict]
"""Returns a failed verdict with the cause: takes the results, the patterns so far, and how many results of the last
pattern were right."""


def compare_calls(
    golden: GoldenData,
    run: Run,
    compare_once: Callable[..., Verdict],
    calls: Sequence[str] | str,
    refused: Refused = lambda _name, _why: None,
    explain: Explain = lambda verdict, *_: verdict,
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
    patterns = [call_pattern(name) for name in ([calls] if isinstance(calls, str) else calls)]
    verdict = compare_once(*_caller(run, golden)(golden))
    yield "once", verdict
    before = list[CallPattern]()
    for pattern in patterns:
        if not verdict.passed:
            return
        if pattern.applies(golden):
            try:
                found = _verdict(pattern, run, golden, before, explain)
            except Unsupported as why:
                refused(pattern.name, why)
                continue
            except Exception as error:
                error.add_note(f"in calls={pattern.name}, {pattern.does}; a single call was right")
                raise
            before.append(pattern)
            if found is not None:
                verdict = found
                yield pattern.name, verdict


def _guarded(run: Run, golden: GoldenData) -> Run:
    """Return the function that calls an implementation and refuses the golden's own arrays."""

    def call(inputs: InputsData) -> Any:  # noqa: ANN401 - as the implementation returns it
        __tracebackhide__ = True
        found = run(inputs)
        refuse_own_arrays(golden, found)
        return found

    return call


def _caller(run: Run, golden: GoldenData) -> Caller:
    """Return the function that calls an implementation and returns its outputs."""

    def call(inputs: GoldenData | InputsData) -> Sequence[Any]:
        __tracebackhide__ = True
        outputs = outputs_of(run(inputs.for_implementation() if isinstance(inputs, GoldenData) else inputs), golden)
        refuse_own_arrays(golden, *outputs)
        return outputs

    return call


def _verdict(
    pattern: CallPattern, run: Run, golden: GoldenData, before: Sequence[CallPattern], explain: Explain
) -> Verdict | None:
    """Return the first failed verdict on the results of a pattern, or that with the largest error; None for none."""
    verdicts = list[Verdict]()
    for right, results in enumerate(pattern.of(run, golden)):
        verdicts.append(judged(results))
        if not verdicts[-1].passed:
            return explain(verdicts[-1], results, [*before, pattern], right)
    return max(verdicts, key=lambda verdict: verdict.largest_error, default=None)


def judged(results: Results) -> Verdict:
    """Return the verdict on results, which fails for a violation even if the outputs are right."""
    golden = results.golden
    states = state_differences(golden, results.states_at)
    verdict = verdict_on(actual_outputs(golden, *results.outputs), results.meaning, states)
    if not results.violation or not verdict.passed:
        return verdict
    return replace(verdict, passed=False, message=f"{golden.id} in {golden.dtype}: {results.violation}")


def call_pattern(name: str) -> CallPattern:
    """Return a call pattern by its name; raises UnknownName with the names that exist."""
    try:
        return CALL_PATTERNS[name]
    except KeyError:
        raise UnknownName("call pattern", name, CALL_PATTERNS, plural="call patterns") from None


def _twice(call: Caller, golden: GoldenData) -> Iterator[Results]:
    yield Results(golden, call(golden), DIFFERS)


def _rows(call: Caller, golden: GoldenData) -> Iterator[Results]:
    for index in range(golden.batch_shape[0]):
        row = of_rows(golden, np.array([index]))
        yield Results(row, call(row), f"row {index} alone differs from the same row in the batch")


def _weights(call: Caller, golden: GoldenData) -> Iterator[Results]:
    stored = golden.stored
    other = replace(golden, stored=replace(stored, weights={name: -array for name, array in stored.weights.items()}))
    outputs = call(other)
    if compare(golden, *outputs).passed:
        if not _outputs_are_the_same(golden, other):
            text = (
                "weights that change between calls have no effect: with every weight negated the outputs were the same"
            )
            yield Results(golden, outputs, "", text)
        return
    yield Results(golden, call(golden), "the outputs before and after a call with other weights differ")


@np.errstate(all="ignore")
def _outputs_are_the_same(golden: GoldenData, other: GoldenData) -> bool:
    """Return whether the right outputs for ``other`` may pass on ``golden``; True if they cannot be computed."""
    from rnn_goldens.cells import Network, case_of, no_equations

    if no_equations(golden):
        return True
    right = Network().run(case_of(other, np.float64))
    return compare(golden, *right).largest_error <= _TWO_ROUNDINGS


def _views(call: Caller, golden: GoldenData) -> Iterator[Results]:
    """Run on non-contiguous arrays, with a NaN, or the largest integer, between any two elements."""
    views = golden.for_implementation()
    of_parts = {"inputs": golden.inputs, "states": golden.states, "weights": golden.weights}
    for part, arrays in of_parts.items():  # fills the cache of the cast arrays
        vars(views)[part] = {name: _with_gaps(array) for name, array in arrays.items()}
    yield Results(golden, call(views), "non-contiguous arrays give other outputs than contiguous arrays")


def _with_gaps(array: NDArray[Any]) -> NDArray[Any]:
    between = np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).max
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), between, array.dtype)
    view = wide[..., ::2]
    view[...] = array
    view.flags.writeable = False
    return view


def _has_parts(golden: GoldenData) -> bool:
    return parts.runs_forward_only(golden) and longest(golden) > 1


def _of_all(_: GoldenData) -> bool:
    return True


_IN_ANY_CALL = (
    CallPattern("twice", "the same call once more: no state remains from the first call", _of_all, _twice),
    CallPattern(
        "rows",
        "the rows of a batch one by one: rows are independent",
        lambda golden: bool(golden.batch_shape) and golden.batch_shape[0] > 1 and golden.offsets is None,
        _rows,
    ),
    CallPattern(
        "chunks",
        "the sequence in parts, with the state carried over; not for a reverse direction or an unchecked output",
        _has_parts,
        parts.in_chunks,
    ),
    CallPattern(
        "steps",
        "most of the sequence, then the last steps one by one, with the state carried over",
        lambda golden: _has_parts(golden) and golden.lengths is None,
        parts.in_steps,
    ),
    CallPattern(
        "weights", "a call with other weights in between: no weights are cached", lambda g: g.is_network, _weights
    ),
    CallPattern("views", "arrays that are not contiguous: strides are respected", _of_all, _views),
)

_WITH_STATES = (
    CallPattern(
        "stateful",
        "the sequence in parts, with states that the implementation keeps, then again after reset_states()",
        lambda golden: _has_parts(golden) and golden.lengths is None,
        parts.with_kept_states,
    ),
    *(
        CallPattern(name, does, served.has_one_state, results, reads_results=True)
        for name, does, results in (
            (
                "pool",
                "prefill, then steps, with states in a pool: other places, and those of padding, stay as they are",
                served.with_pool,
            ),
            ("mixed", "rows of one step beside rows of several steps, and rows that begin", served.mixed),
            ("drafts", "drafted steps, of which some are accepted", served.with_drafts),
            ("snapshots", "the state every few steps, and from there on", served.with_snapshots),
            ("padding", "padding on the left of each sequence, with a mask", served.with_padding),
            ("empty", "empty sequences between packed ones", served.with_empty_sequences),
        )
    ),
)

CALL_PATTERNS = {pattern.name: pattern for pattern in (*_IN_ANY_CALL, *_WITH_STATES)}
"""The call patterns, by their names in the marker and the option."""

OF_ANY = tuple(pattern.name for pattern in _IN_ANY_CALL)
"""The call patterns that need nothing of an implementation but what a single call needs."""


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
