"""What an implementation returned, or a user passed, as outputs by name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnn_goldens.comparison.array_conversion import NotNumbers, Output, read
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.shapes import Layout
from rnn_goldens.plurals import counted

OF_NETWORKS = (2, 3)
"""The possible lengths of the tuple that a network returns. A pair of states is one element of the tuple."""

_OUT_ALONE = '--rnn-goldens-outputs=out or @pytest.mark.rnn_goldens(outputs=["out"])'


def by_name(
    layout: Layout, out: object, *states: object, state_shape: tuple[int, ...] | None = None
) -> dict[str, object]:
    """Return outputs by name; None for one that was not passed.

    For a network with one state, the result has ``c_n`` only if it was passed: as the second state, or as the second
    element of a pair of states. Such a pair must have two arrays with as many axes as ``out``, and with the shape of a
    state if the shape is known.

    ``out`` may be all outputs, as a tuple or a mapping; ``states`` are those that are compared, or all, or one tuple of
    them. Raises TypeError if there are more states than the cell has, or states besides outputs by name.
    """
    first, *last = layout.outputs
    given = _without_trailing_none(states)
    if isinstance(out, Mapping):
        if given:
            raise TypeError(f"outputs are given by name, and {counted(len(given), 'state')} after them: give them once")
        others = {*_not_compared(layout), *(name for name in out if out[name] is None)}.difference(layout.outputs)
        return {**dict.fromkeys(layout.outputs), **{name: array for name, array in out.items() if name not in others}}
    if not given and isinstance(out, tuple) and len(out) in possible_counts(layout):
        out, *given = out  # callers handle a tuple that is only out
        given = _without_trailing_none(given)
    if len(given) == 1 and isinstance(given[0], tuple | list) and _are_states(layout, out, given[0], state_shape):
        given = list(given[0])
    if len(given) == len(layout.states) != len(layout.compared):
        given = [state for name, state in zip(layout.states, given, strict=True) if name in layout.compared]
    if len(given) > max(len(last), layout.most_states):
        raise TypeError(f"{counted(len(given), 'state')} passed after {first}; the cell has {len(last)}")
    passed = zip(last, [*given, *[None] * len(last)], strict=False)
    unexpected = {"c_n": given[1]} if len(given) > len(last) == 1 else {}
    return {first: out, **dict(passed), **unexpected}


def possible_counts(layout: Layout | None = None) -> set[int]:
    """Return the possible lengths of the tuple of an implementation: out, and the states apart or as one element."""
    if layout is None:
        return {*OF_NETWORKS}
    return {2, len(layout.outputs), 1 + len(layout.states), 1 + layout.most_states}


def _are_states(layout: Layout, out: object, given: Sequence[object], state_shape: tuple[int, ...] | None) -> bool:
    """Return whether a tuple in place of the first last state has one element for each state."""
    if len(layout.states) > 1:
        return len(given) == len(layout.states)
    # With one state, a pair may be two layers, each with one axis less than out or with an axis of size 1.
    axes = {getattr(value, "ndim", None) for value in (out, *given)}
    are_shaped = state_shape is None or all(getattr(value, "shape", None) == state_shape for value in given)
    return len(given) == 2 and len(axes) == 1 and None not in axes and are_shaped  # noqa: PLR2004 - a pair


def _without_trailing_none(states: Iterable[object]) -> list[object]:
    given = list(states)
    while given and given[-1] is None:
        given.pop()
    return given


def unknown(layout: Layout, names: Iterable[str]) -> list[str]:
    """Return the names that are neither an output of a cell nor one of its last states."""
    return [name for name in names if name not in (*layout.outputs, *_not_compared(layout))]


def _not_compared(layout: Layout) -> list[str]:
    return [f"{name}_n" for name in layout.states if name not in layout.compared]


def compared_outputs(golden: GoldenData, out: object, *states: object) -> dict[str, object]:
    """Return the outputs to compare by name. Takes the outputs as ``by_name`` does."""
    if is_out_alone(golden, out):
        return {golden.layout.outputs[0]: out}
    has_tuple = any(isinstance(part, tuple | list) for part in (out, *states))
    state_shape = golden.state_shape if has_tuple else None  # only a tuple of states needs it
    outputs = by_name(golden.layout, out, *states, state_shape=state_shape)
    return {name: value for name, value in outputs.items() if not golden.outputs or name in golden.outputs}


def is_out_alone(golden: GoldenData, result: object) -> bool:
    """Return whether a result is only ``out``, for a golden that compares only ``out``.

    A tuple or list with as many parts as outputs is a tuple of outputs, unless it has as many axes as ``out``.
    """
    if golden.outputs != golden.layout.outputs[:1]:
        return False
    if not isinstance(result, tuple | list):
        return not isinstance(result, Mapping)
    try:
        return (
            len(result) not in {1, *possible_counts(golden.layout)}
            or read(result).values.ndim == golden.stored.expected[golden.layout.outputs[0]].ndim
        )
    except NotNumbers:
        return False


def is_array(result: object) -> bool:
    """Return whether a result is one array of any library."""
    return isinstance(result, Output) or (hasattr(result, "shape") and not isinstance(result, tuple | list))


def only_array(result: object) -> Any:  # noqa: ANN401 - an array of any library
    """Return the array if a result is one array, or a tuple or list of one; else None."""
    if isinstance(result, tuple | list) and len(result) == 1:
        result = result[0]
    return result if is_array(result) else None


def outputs_of(result: object, golden: GoldenData | None = None, layout: Layout | None = None) -> Sequence[Any]:
    """Return the outputs in the result of an implementation, as arguments of ``Golden.check``; else raise TypeError.

    A golden may compare only ``out``. Without golden and layout, the cell is a network's, with at most two states.
    """
    __tracebackhide__ = True
    if golden is not None and is_out_alone(golden, result):
        return (result,)
    of = layout if golden is None else golden.layout
    if of is not None and isinstance(result, Mapping) and result:
        if names := unknown(of, result):
            raise TypeError(f"the implementation returned {', '.join(map(str, names))}; {_expected(of)}")
        return (result,)
    counts, is_out_enough = possible_counts(of), golden is not None and golden.outputs == golden.layout.outputs[:1]
    if isinstance(result, tuple | list) and len(result) in ({1, *counts} if is_out_enough else counts):
        return result if len(result) <= max(OF_NETWORKS) else (result[0], tuple(result[1:]))
    kind = counted(len(result), "output") if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    hint = ""
    if only_array(result) is not None:
        kind = "one array"
        hint = "" if golden is None else f". To check {golden.layout.outputs[0]} alone: {_OUT_ALONE}"
    raise TypeError(f"the implementation returned {kind}; {_expected(of)}{hint}")


def _expected(layout: Layout | None) -> str:
    if layout is None:
        return "(out, h_n) is expected, or (out, (h_n, c_n)) for an LSTM, or a mapping with these names"
    first, *last = layout.outputs
    forms = [f"({', '.join(layout.outputs)})", *([f"({first}, ({', '.join(last)}))"] if len(last) > 1 else [])]
    return f"{' or '.join(forms)} is expected, or a mapping with these names"
