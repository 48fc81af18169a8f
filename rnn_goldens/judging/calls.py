"""Calling an implementation as people do: again, row by row, in chunks, with other weights before, on views.

Each way asks the same golden otherwise, in one or several calls, and gives outputs that have to be the golden's.
Gradients are asked twice: what adds to buffers of the first call shows then.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import UnknownName, Unsupported
from rnn_goldens.golden.data import GoldenData, QuestionData
from rnn_goldens.golden.tolerance import Bound, Exact, Tolerance
from rnn_goldens.judging.given import gradients_by_name
from rnn_goldens.judging.outputs import NotNumbers, Output, outputs_of, read, states_apart
from rnn_goldens.judging.own_arrays import refuse_own
from rnn_goldens.judging.verdict import Verdict, compare

_TWO_ROUNDINGS = 2.0
"""Tolerances: outputs of either question may be off by one."""

Run = Callable[[Any], Any]
"""A function ``question → (out, h_n)``, ``(out, (h_n, c_n))`` or ``(out, h_n, c_n)``; out where that is compared."""

Ask = Callable[[GoldenData | QuestionData], Sequence[Any]]
"""Calls an implementation with a question, or with that of a golden; returns its outputs."""


Backward = Callable[[Any], Mapping[str, Any]]
"""A function of a question, which has ``cotangents``, that returns gradients by name."""

ADDED_UP = "the second call gives the sum of both: gradients add up over calls, and are not cleared"
DIFFERS = "the second call differs from the first"

CompareGradients = Callable[[Mapping[str, Any], str], Verdict]
"""Gradients by name, and what it means if they are wrong, where that is known → the verdict."""


@dataclass(frozen=True)
class Way:
    """A way of calling.

    Attributes:
        does: what is done, for people.
        applies: whether a golden can be asked this way.
        judge: what becomes of it, for an implementation that is right when it is called once; None if this golden can
            show nothing so.
    """

    does: str
    applies: Callable[[GoldenData], bool]
    judge: Callable[[Ask, GoldenData], Verdict | None]


Refused = Callable[[str, Unsupported], object]
"""Is called with the name of a way that an implementation refuses, and why."""


def compare_calls(
    golden: GoldenData,
    run: Run,
    compare_once: Callable[..., Verdict],
    calls: Sequence[str] | str,
    refused: Refused = lambda _name, _why: None,
) -> Iterator[tuple[str, Verdict]]:
    """Compare a single call's outputs with a golden and, if they are right, those of other ways of calling.

    Args:
        golden: what is asked.
        run: the implementation.
        compare_once: how the outputs of the single call are compared, ``Golden.compare`` or what it calls.
        calls: a name in ``WAYS``, or several; those that a golden can not be asked, or that the implementation refuses
            (``Unsupported``) though it does not refuse the golden, are left out.
        refused: is called for each that the implementation refuses.

    Yields:
        A way's name and its verdict, the first of a single call (``once``); none after one that did not pass.

    Raises:
        UnknownName: no such way.
        TypeError: the implementation did not return outputs.
        WrongUse: it returned the golden's own arrays.
    """
    __tracebackhide__ = True
    chosen = {name: way(name) for name in ([calls] if isinstance(calls, str) else calls)}

    def ask(asked: GoldenData | QuestionData) -> Sequence[Any]:
        __tracebackhide__ = True
        outputs = outputs_of(run(asked.question() if isinstance(asked, GoldenData) else asked), golden)
        refuse_own(golden, *outputs)
        return outputs

    verdict = compare_once(*ask(golden))
    yield "once", verdict
    for name, this in chosen.items():
        if not verdict.passed:
            return
        if this.applies(golden):
            try:
                found = this.judge(ask, golden)
            except Unsupported as why:
                refused(name, why)
                continue
            except Exception as error:
                error.add_note(f"in calls={name}, {this.does}; a single call was right")
                raise
            if found is not None:
                verdict = found
                yield name, verdict


def way(name: str) -> Way:
    """Look a way of calling up by name; raises UnknownName with the names that exist."""
    try:
        return WAYS[name]
    except KeyError:
        raise UnknownName("way of calling", name, WAYS, plural="ways of calling") from None


def _twice(ask: Ask, golden: GoldenData) -> Verdict:
    return compare(golden, *ask(golden), said=DIFFERS)


def _rows(ask: Ask, golden: GoldenData) -> Verdict:
    verdicts = []
    for index in range(len(golden.stored.x)):
        row = _of_rows(golden, np.array([index]))
        verdicts.append(compare(row, *ask(row), said=f"row {index} alone differs from the same row in the batch"))
        if not verdicts[-1].passed:
            break
    return max(verdicts, key=lambda verdict: (not verdict.passed, verdict.largest_error))


def _of_rows(golden: GoldenData, rows: NDArray[np.intp]) -> GoldenData:
    """A golden of some of the rows of a batch."""
    stored = golden.stored
    given = {name: getattr(stored, name) for name in ("h0", "c0", "h_n", "c_n")}
    states: dict[str, Any] = {name: array[:, rows] for name, array in given.items() if array is not None}
    lengths = None if stored.lengths is None else stored.lengths[rows]
    part = replace(stored, x=stored.x[rows], out=stored.out[rows], lengths=lengths, **states)
    return replace(golden, stored=part, tolerance=_tolerance_of_rows(golden.tolerance, rows), gradients=None)


def _tolerance_of_rows(tolerance: Tolerance, rows: NDArray[np.intp]) -> Tolerance:
    if isinstance(tolerance, Exact):
        return tolerance
    kinds = (tolerance.accumulation, tolerance.storage)
    return Bound(*({n: a[rows] if n == "out" else a[:, rows] for n, a in kind.items()} for kind in kinds))


def _chunks(ask: Ask, golden: GoldenData) -> Verdict:
    """In two parts; of sequences of several lengths those of at least two steps, so that each has some in both."""
    if golden.lengths is not None:
        golden = _of_rows(golden, np.flatnonzero(golden.lengths > 1))
    said = f"steps 0 to {_middle(golden) - 1} and then the others, with the state carried over, differ from all at once"
    return compare(golden, *_in_two_chunks(ask, golden), said=said)


def _in_two_chunks(ask: Ask, golden: GoldenData) -> Sequence[Any]:
    middle = _middle(golden)
    first = list(states_apart(golden.layout, *ask(_steps(golden, 0, middle, {}))).values())
    try:
        out = _kept(read(first[0]))  # before a second call, which may use its memory again
    except NotNumbers:
        return first
    try:
        states = [_kept(read(state)) for state in first[1:]]
        start = {f"{n}0": state.values for n, state in zip(golden.layout.states, states, strict=True)}
    except (NotNumbers, ValueError):
        start = {}
    if not start or any(state.shape != golden.state_shape for state in start.values()):
        return golden.out, *first[1:]  # states that can not be carried over: the comparison says what they are
    last_part = _steps(golden, middle, golden.stored.x.shape[-2], start)
    second = list(states_apart(golden.layout, *ask(last_part)).values())
    try:
        return _joined(out, read(second[0])), *second[1:]
    except (NotNumbers, ValueError):
        return second


def _kept(output: Output) -> Output:
    return Output(output.values.copy(), output.dtype)


def _joined(first: Output, second: Output) -> Output:
    """One output of two parts of its time steps, in the type of the less precise."""
    coarser = min(first, second, key=lambda output: math.inf if output.bits is None else output.bits)
    return Output(np.concatenate([first.values, second.values], axis=-2), coarser.dtype)


def _middle(golden: GoldenData) -> int:
    """The step at which a sequence is cut, so that every sequence has steps on both sides; 0 if one has none."""
    shortest = golden.stored.x.shape[-2] if golden.lengths is None else int(golden.lengths.min())
    return shortest // 2


def _steps_of_longest(golden: GoldenData) -> int:
    return golden.stored.x.shape[-2] if golden.lengths is None else int(golden.lengths.max())


def _steps(golden: GoldenData, begin: int, end: int, start: dict[str, Any]) -> GoldenData:
    """The golden's question for some of its steps, from another state; its last states are not those of the part."""
    stored, steps = golden.stored, (..., slice(begin, end), slice(None))
    lengths = None if stored.lengths is None else np.clip(stored.lengths - begin, 0, end - begin)
    part = replace(stored, x=stored.x[steps], out=stored.out[steps], lengths=lengths, **start)
    features = (*golden.features, "state") if start and "state" not in golden.features else golden.features
    return replace(golden, stored=part, features=features, gradients=None)


def _weights(ask: Ask, golden: GoldenData) -> Verdict | None:
    stored = golden.stored
    other = replace(golden, stored=replace(stored, weights={name: -array for name, array in stored.weights.items()}))
    unmoved = compare(golden, *ask(other))
    if unmoved.passed and _gives_the_same(golden, other):
        return None
    if unmoved.passed:
        said = "weights that change between calls have no effect: with every weight negated the outputs were the same"
        return replace(unmoved, passed=False, message=f"{golden.id} in {golden.dtype}: {said}")
    return compare(golden, *ask(golden), said="after a call with other weights the outputs differ from those before it")


@np.errstate(all="ignore")
def _gives_the_same(golden: GoldenData, other: GoldenData) -> bool:
    """Whether the right outputs for another question may pass for a golden's, as far as is known."""
    from rnn_goldens.cells import Network, case_of, no_equations

    if no_equations(golden):
        return True
    right = Network().run(case_of(other, np.float64))
    return compare(golden, *right).largest_error <= _TWO_ROUNDINGS


def _views(ask: Ask, golden: GoldenData) -> Verdict:
    """On arrays that are not contiguous: between any two elements lies a NaN."""
    views = golden.question()
    arrays = {name: _with_gaps(getattr(golden, name)) for name in ("x", *(f"{n}0" for n in golden.layout.states))}
    weights = {name: _with_gaps(array) for name, array in golden.weights.items()}
    vars(views).update(arrays, weights=weights)  # in place of what the question would cast when it is first asked
    return compare(golden, *ask(views), said="arrays that are not contiguous give other outputs than those that are")


def _with_gaps(array: NDArray[Any]) -> NDArray[Any]:
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
    view = wide[..., ::2]
    view[...] = array
    view.flags.writeable = False
    return view


WAYS = {
    "twice": Way("the same call once more: no state is left over from the first", lambda _: True, _twice),
    "rows": Way(
        "the rows of a batch one by one: no row sees another",
        lambda golden: bool(golden.batch_shape) and golden.batch_shape[0] > 1,
        _rows,
    ),
    "chunks": Way(
        "the sequence in two parts, with the state carried over; in one direction, and not of out alone",
        lambda golden: not (golden.config.bidirectional or golden.not_compared) and _steps_of_longest(golden) > 1,
        _chunks,
    ),
    "weights": Way("a call with other weights in between: none are kept", lambda _: True, _weights),
    "views": Way("arrays that are not contiguous: strides are minded", lambda _: True, _views),
}
"""The ways of calling, by the name that marker and option have for them."""


def compare_gradient_calls(
    golden: GoldenData, backward: Backward, judge: CompareGradients
) -> Iterator[tuple[str, Verdict]]:
    """Ask twice, with the same question, and compare both times.

    Args:
        golden: what is asked, with gradients.
        backward: the implementation.
        judge: how gradients are compared.

    Yields:
        ``once`` and ``twice``, each with its verdict; ``once`` alone if that did not pass.

    Raises:
        TypeError: the implementation returned no gradients by name.
        WrongUse: it returned the golden's own arrays.
    """
    __tracebackhide__ = True

    def ask() -> dict[str, Any]:
        __tracebackhide__ = True
        found = gradients_by_name(golden, backward(golden.question()), {})
        refuse_own(golden, *found.values())
        return found

    first = ask()
    kept = {name: _copy(value) for name, value in first.items()}  # what it adds to in a second call
    verdict = judge(first, "")
    yield "once", verdict
    if verdict.passed:
        second = ask()
        yield "twice", _with_what_is_missing(golden, judge(second, _said(kept, second)), verdict, second)


def _with_what_is_missing(golden: GoldenData, verdict: Verdict, first: Verdict, second: Mapping[str, Any]) -> Verdict:
    """The verdict on a second call, which is wrong, too, if it left out a gradient that the first call gave."""
    missing = [name for name in first.differences if name not in second]
    if not missing or not verdict.passed:
        return verdict
    said = f"the second call gives no gradient of {', '.join(missing)}, which the first call gave"
    return replace(verdict, passed=False, message=f"{golden.id} in {golden.dtype}: {said}")


def _said(first: Mapping[str, NDArray[np.float64] | None], second: Mapping[str, Any]) -> str:
    """What it means if the second call's gradients are wrong."""
    doubled = [
        name for name, before in first.items()
        if before is not None and before.any() and np.array_equal(2 * before, _copy(second.get(name)))
    ]  # fmt: skip
    if doubled:
        return ADDED_UP
    return DIFFERS


def _copy(value: object) -> Any:  # noqa: ANN401 - an array, or None
    try:
        return read(value).values.copy()
    except NotNumbers:
        return None
