"""Call patterns that run a sequence in several calls: in parts, step by step, with states handed on or kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.array_conversion import NotNumbers, Output, read
from rnn_goldens.comparison.golden_slices import joined, middle_step, of_rows, of_steps
from rnn_goldens.comparison.returned import by_name
from rnn_goldens.comparison.states import StatesAt
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.call import Call
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.rounding_profile import ALL
from rnn_goldens.golden.shapes import TIME
from rnn_goldens.golden.stored_arrays import Float64

Caller = Callable[[GoldenData | InputsData], Sequence[Any]]
"""Calls an implementation with inputs, or with the inputs of a golden; returns the outputs."""


@dataclass(frozen=True, eq=False)
class Results:
    """What some calls of a pattern gave together.

    Attributes:
        golden: the golden that has the expected values.
        outputs: as arguments of ``compare``, or a mapping by name as the only one.
        meaning: what a difference means.
        violation: what is wrong whatever the outputs are, such as a state that a call must not change; "" for nothing.
        states_at: states after some steps, as for ``Golden.check``; None for none.
        seen: the states where a violation, or a wrong state of ``states_at``, is seen, for its cause.
    """

    golden: GoldenData
    outputs: Sequence[Any]
    meaning: str
    violation: str = ""
    seen: Float64 | None = None
    states_at: StatesAt = None


BORDERS = (63, 64, 65)
"""Places at which long sequences are cut: around the usual number of steps in a chunk."""

SINGLE_STEPS = 3
"""The number of steps that are called one by one, after a prefill."""


def require_kept(golden: GoldenData) -> None:
    """Raise Unsupported if a state between two calls is rounded, but not that inside of a call."""
    if golden.is_wide_inside and golden.profile.half != ALL:
        raise Unsupported(
            f"a recurrence's state is float32 inside, but {golden.dtype} between two calls: if that is intended, "
            f"declare --rnn-goldens-profile={ALL}"
        )


def runs_forward_only(golden: GoldenData) -> bool:
    """Return whether a golden can be computed in parts, from the states that the first part returns."""
    has_all_states = len(golden.layout.initial) == len(golden.layout.outputs) - 1
    return golden.config.is_forward_only and golden.offsets is None and has_all_states and not golden.not_compared


def drawn(golden: GoldenData, count: int, below: int) -> list[int]:
    """Return distinct numbers from 1 to ``below - 1``, in ascending order, always the same ones for a golden."""
    numbers = np.random.default_rng(crc32(golden.id.encode()))
    return sorted(int(n) for n in numbers.choice(np.arange(1, below), min(count, below - 1), replace=False))


def in_chunks(call: Caller, golden: GoldenData) -> Iterator[Results]:
    """Run the sequence in parts: cut in the middle, anywhere, and around 64. Raises Unsupported as ``require_kept``.

    Sequences of one time step are left out, because they have no second part.
    """
    require_kept(golden)
    if golden.lengths is not None:
        golden = of_rows(golden, np.flatnonzero(golden.lengths > 1))
        yield _in_parts(call, golden, [middle_step(golden)])
        return
    cuts = [[middle_step(golden)], drawn(golden, 2, golden.time), *([k] for k in BORDERS if k < golden.time)]
    for one in dict.fromkeys(map(tuple, cuts)):
        yield _in_parts(call, golden, one)


def in_steps(call: Caller, golden: GoldenData) -> Iterator[Results]:
    """Run most of the sequence, then the last steps one by one. Raises Unsupported as ``require_kept``."""
    require_kept(golden)
    first = max(golden.time - SINGLE_STEPS, (golden.time + 1) // 2)
    yield _in_parts(call, golden, range(first, golden.time))


def with_kept_states(call: Caller, golden: GoldenData) -> Iterator[Results]:
    """Run in parts without passing states: the implementation keeps them. Then run the whole again, from a reset."""
    require_kept(golden)
    last = golden.time - 1
    first = min(golden.time // 2, max(1, last - 2))  # so that the second call has two steps from four steps on
    cuts = sorted({first, min(first + 2, last), last} - {0})
    yield _in_parts(call, golden, cuts, kept=True)
    yield Results(golden, call(golden), "after reset_states() the outputs are not those of a first call")


def _in_parts(call: Caller, golden: GoldenData, cuts: Sequence[int], *, kept: bool = False) -> Results:
    """Run the parts between some cuts, each from the states that the one before returned, or that are ``kept``."""
    handed = "with the states that the implementation keeps" if kept else "with the state carried over"
    results = Results(golden, (), f"{_parts_in_words(golden, cuts)}, {handed}, give other outputs than a single call")
    out: Output | None = None
    rest: Sequence[Any] = ()
    axis = golden.axis(golden.layout.outputs[0], TIME) or 0
    for begin, end in zip([0, *cuts], [*cuts, golden.time], strict=True):
        start = _states_between(golden, rest) if begin else {}
        if begin and not kept and not start:  # unusable states: the comparison reports why
            return replace(results, outputs=(next(iter(golden.expected.values())), *rest))
        part = of_steps(golden, begin, end, {} if kept else start)
        if kept and begin:
            part = replace(part, stored=replace(part.stored, states={}), call=Call(continues=True))
        first, *rest = by_name(golden.layout, *call(part)).values()
        try:
            new = copied(read(first))  # before the next call, which may reuse the memory
            out = new if out is None else joined(out, new, axis)
        except (NotNumbers, ValueError):
            return replace(results, outputs=(first, *rest))
    return replace(results, outputs=(out, *rest))


def _parts_in_words(golden: GoldenData, cuts: Sequence[int]) -> str:
    first = f"steps 0 to {cuts[0] - 1}"
    if len(cuts) == 1:
        return f"{first} and then the rest"
    if list(cuts) == list(range(cuts[0], golden.time)):
        return f"{first} and then the others one by one"
    others = " and ".join(map(str, cuts[1:]))
    return f"{first}, and the rest from steps {cuts[0]} and {others} on"


def _states_between(golden: GoldenData, last: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Return the states to start from; {} if they are none."""
    try:
        states = [copied(read(state)) for state in last]
        start = {f"{n}0": state.values for n, state in zip(golden.layout.states, states, strict=True)}
    except (NotNumbers, ValueError):
        return {}
    fits = all(start[name].shape == shape for name, shape in golden.shapes.initial.items())
    return start if fits else {}


def copied(output: Output) -> Output:
    """Return an output in memory of its own."""
    return Output(output.values.copy(), output.dtype)
