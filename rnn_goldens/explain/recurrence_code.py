"""The code of a deviation of recurrences: equations, methods, or changes of arrays and outputs, right and wrong."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any

from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.recurrence import EQUATIONS, RIGHT
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel, Replaced
from rnn_goldens.deviations.recurrences.edits import Edit, WrongBackward, WrongForward
from rnn_goldens.deviations.wrong_pass import WrongPass
from rnn_goldens.explain.screen import indent
from rnn_goldens.explain.source_text import lambda_text

_FOR_TOOLS = re.compile(r"  # (noqa|type: ignore|fmt:).*")
_DOCSTRING = re.compile(r'^ *""".*?"""$', re.MULTILINE | re.DOTALL)

Pieces = Iterator[tuple[str, object]]
"""The right and the wrong code with titles: equations, methods, or changes of arrays and outputs."""


def code_of_recurrences(wrong: WrongPass, cell: str, room: int) -> list[str]:
    """Return the right and the wrong code of a deviation, as far as it fits."""
    lines: list[str] = []
    for title, function in _of_backward(wrong.wrong) if isinstance(wrong, WrongBackward) else _of_forward(wrong, cell):
        source = _source(function)
        if source and len(lines) + len(source) + 1 < room:
            lines += [title, *indent(4, source)]
    return ["the code", *lines] if lines else []


def _of_forward(of: WrongPass, cell: str) -> Pieces:
    wrong = of.wrong if isinstance(of, WrongForward) else of
    if isinstance(wrong, Edit):
        for name, right in (("equations", EQUATIONS[cell]), ("case", None), ("outputs", None)):
            if functions := list(_made_of(getattr(wrong, name))):
                yield f"right: {name}", right
                yield from ((f"wrong: {name}", function) for function in functions)
        for name, method in vars(type(wrong.operations)).items():
            if wrong.operations is not RIGHT and not name.startswith("_"):
                yield f"right: {name}", getattr(RIGHT, name, None)
                yield f"wrong: {name}", method
    elif isinstance(wrong, Replaced):
        yield from _methods(ChunkKernel, wrong.methods)
    else:
        yield from (("wrong: run", function) for function in _made_of(wrong))


def _of_backward(wrong: object) -> Pieces:
    if isinstance(wrong, type):
        base = wrong.__mro__[1]
        own = {n: f for n, f in vars(wrong).items() if inspect.isfunction(f) and hasattr(base, n)}
        yield from _methods(base, vars(wrong).get("replaced", own))
    elif inspect.isfunction(wrong):
        inner: Mapping[str, Any] = inspect.getclosurevars(wrong).nonlocals
        if "changes" in inner:
            yield f"right: {inner['equations'].__name__}, in parts", inner["equations"]
        else:
            yield f"wrong: {wrong.__name__}", wrong
        for name, change in inner.get("changes", {}).items():
            yield f"wrong: the derivative of {name}", change
            yield from ((f"where {n}", f) for n, f in inspect.getclosurevars(change).nonlocals.items() if callable(f))


def _methods(base: type, methods: Mapping[str, object]) -> Pieces:
    for name, function in methods.items():
        yield f"right: {name} of {base.__name__}", getattr(base, name)
        yield f"wrong: {name} of {base.__name__}", function


def _made_of(function: object) -> Iterator[Callable[..., Any]]:
    """Yield a function of the catalogue, and the functions that it was made with."""
    if inspect.isfunction(function):
        if function.__module__ not in (Edit.__module__, Term.__module__):
            yield function
        for given in inspect.getclosurevars(function).nonlocals.values():
            for part in given.values() if isinstance(given, dict) else [given]:
                yield from _made_of(part)


def _source(function: object) -> list[str]:
    """Return the lines of a function without its docstring; [] if it has no source, such as a partial function."""
    try:
        text = textwrap.dedent(inspect.getsource(function))  # type: ignore[arg-type] # checked by the error
    except (OSError, TypeError):
        return []
    if isinstance(function, FunctionType) and function.__name__ == "<lambda>":
        text = lambda_text(function)
    lines = [_FOR_TOOLS.sub("", line) for line in _DOCSTRING.sub("", text).splitlines()]
    return [line for line in lines if line.strip()]
