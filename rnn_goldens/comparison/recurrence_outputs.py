"""Outputs of a recurrence by name: from separate arguments, a tuple or a mapping."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnn_goldens.golden.recurrences import RecurrenceLayout
from rnn_goldens.plurals import counted


def by_name(layout: RecurrenceLayout, out: object, *states: object) -> dict[str, Any]:
    """Return the outputs by name; None for an output that is missing.

    Args:
        layout: the layout of the recurrence.
        out: the output at each time step; or a tuple or a mapping of all outputs.
        states: the last states, or one tuple of them. They are the compared states, or all states.

    Raises:
        TypeError: there are more outputs than the recurrence has.
    """
    names = layout.outputs
    if isinstance(out, Mapping):
        return {**dict.fromkeys(names), **{name: array for name, array in out.items() if name not in _others(layout)}}
    given = list(states)
    while given and given[-1] is None:
        given.pop()
    if not given and isinstance(out, tuple | list) and (found := in_order(layout, out)) is not None:
        return dict(zip(names, found, strict=True))
    if (found := in_order(layout, (out, *given))) is not None:
        return dict(zip(names, found, strict=True))
    if len(given) >= len(names):
        raise TypeError(f"{counted(len(given) + 1, 'output')} passed; expected {', '.join(names)}")
    return {**dict.fromkeys(names), **dict(zip(names, [out, *given], strict=False))}


def in_order(layout: RecurrenceLayout, found: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return the outputs in the order of the layout, from those that an implementation returned; None if it cannot.

    The states that are not compared are left out, if all states were returned: apart, or as a tuple.
    """
    count, results = len(layout.outputs), len(layout.results)
    last = found[results:]
    if len(layout.states) > 1 and len(last) == 1 and isinstance(last[0], tuple | list):
        last = last[0]
    if len(found) >= results and len(last) == len(layout.states) != len(layout.compared):
        by_state = dict(zip(layout.states, last, strict=True))
        last = [by_state[name] for name in layout.compared]
    return (*found[:results], *last) if len(found) >= results and results + len(last) == count else None


def unknown(layout: RecurrenceLayout, names: Mapping[str, Any]) -> list[str]:
    """Return the names that no output of the recurrence has."""
    return [name for name in names if name not in (*layout.outputs, *_others(layout))]


def _others(layout: RecurrenceLayout) -> list[str]:
    """Return the names of the last states that are not compared."""
    return [f"{name}_n" for name in layout.states if name not in layout.compared]
