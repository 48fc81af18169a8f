"""The code of a deviation beside the code that it replaces, from the source files."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from rnn_goldens.cells import BUILT_IN_CELLS, notation
from rnn_goldens.cells.integer_lstm import DEFINITIONS
from rnn_goldens.cells.recurrence import EQUATIONS, RIGHT
from rnn_goldens.cells.runner import Runner
from rnn_goldens.deviations import equation_edits, wrong_pass
from rnn_goldens.deviations.alteration import Alteration, overridden
from rnn_goldens.deviations.backward import alterations as wrong_back
from rnn_goldens.deviations.integer_pass import Replaced as OfIntegers
from rnn_goldens.deviations.recurrences import edits
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel, Replaced
from rnn_goldens.deviations.recurrences.edits import Edit, WrongBackward
from rnn_goldens.deviations.wrong_calls import WrongCalls
from rnn_goldens.deviations.wrong_pass import WrongPass

_HERE = "rnn_goldens.deviations."
_PASS_ON = (Alteration.__module__, *(module.__name__ for module in (wrong_pass, equation_edits, wrong_back, edits)))
"""Modules that only pass the wrong code on to the network."""


@dataclass(frozen=True)
class Piece:
    """A piece of code, where it stands, and values of names that are defined outside the code, such as ``limit``.

    The kind is ``right``, ``wrong``, or ``through`` for code that only passes the wrong code on. The part is that of
    the equations that the code computes; "" for others.
    """

    where: str
    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    kind: str = "wrong"
    part: str = ""


def pieces(wrong: WrongPass, cell: str) -> list[Piece]:
    """Return the code that a deviation of a cell replaces, then the wrong code, each piece once."""
    found: dict[tuple[str, str], list[Piece]] = {}
    for right, code in _replaced(wrong, cell):
        of_right = [Piece(_where(right), _without_docstring(_source(right)), kind="right")] if right else []
        for piece in (*of_right, *(_of_class(code) if isinstance(code, type) else _followed(code))):
            found.setdefault((piece.where, piece.text), []).append(piece)
    return sorted((_merged(same) for same in found.values()), key=lambda piece: piece.kind != "right")


def _merged(same: list[Piece]) -> Piece:
    """Return a piece with all parts that it computes, and all values that its names take."""
    values = {name: dict.fromkeys(p.values[name] for p in same if name in p.values) for name in same[0].values}
    where = ", ".join([*dict.fromkeys(piece.part for piece in same if piece.part), same[0].where])
    return replace(same[0], where=where, values={name: ", then ".join(several) for name, several in values.items()})


def _replaced(wrong: WrongPass, cell: str) -> Iterator[tuple[Any, object]]:
    """Yield right functions and the wrong code in their place; None where the wrong code is an addition."""
    if isinstance(wrong, Alteration):
        yield from ((BUILT_IN_CELLS[name].equations, equations) for name, equations in wrong.equations.items())
        for step in wrong.steps:
            yield from ((getattr(wrong.right, name), None) for name in overridden(step, wrong.right))
            yield None, step
        yield from ((None, change) for change in (*wrong.inputs, *wrong.outputs, *wrong.returned))
    elif isinstance(wrong, WrongBackward) and isinstance(wrong.wrong, type):
        yield from _methods(wrong.wrong)
    elif isinstance(wrong, WrongBackward):
        made_of = _closure(wrong.wrong)
        changes: Any = made_of.get("changes", {})
        derivatives = {f"the derivative of {name}": change for name, change in changes.items()}
        yield made_of.get("equations"), derivatives or wrong.wrong
    elif isinstance(wrong, Edit) and wrong.equations and "in_derivatives" in (made_of := _closure(wrong.equations)):
        yield made_of["equations"], made_of["changes"]
    elif isinstance(wrong, OfIntegers):
        definition = wrong.base or DEFINITIONS[cell]
        yield from ((getattr(definition, name), method) for name, method in wrong.methods.items())
        yield from _definition(wrong.base) if wrong.base else ()
    elif isinstance(wrong, WrongCalls):
        yield from ((getattr(Runner, name), method) for name, method in wrong.methods.items())
        yield None, wrong.base if wrong.base is not Runner else None
    elif isinstance(wrong, Replaced):
        yield from ((getattr(ChunkKernel, name), method) for name, method in wrong.methods.items())
    elif isinstance(wrong, Edit):
        yield EQUATIONS[cell] if wrong.equations else None, wrong.equations
        methods = {} if wrong.operations is RIGHT else vars(type(wrong.operations))
        yield from ((getattr(RIGHT, n, None), f) for n, f in methods.items() if not n.startswith("_"))
        yield from ((None, change) for change in (wrong.case, wrong.outputs, wrong.wrong))


def _definition(own: type) -> Iterator[tuple[Any, object]]:
    """Yield the methods of the other definitions of integer LSTMs that one replaces, and its own."""
    for other in dict.fromkeys(DEFINITIONS.values()):
        for name, method in inspect.getmembers(own, inspect.isfunction):
            if (right := getattr(other, name)) is not method:
                yield right, method


def _methods(loop: type) -> Iterator[tuple[Any, object]]:
    """Yield the methods that a class replaces, or the nearest of its bases that replaces some, and the new ones."""
    for kind, base in pairwise(loop.__mro__):
        own = {n: f for n, f in vars(kind).items() if isinstance(f, FunctionType) and hasattr(base, n)}
        if own := vars(kind).get("replaced", own):
            yield from ((getattr(base, name), function) for name, function in own.items())
            return


def _followed(what: object, values: Mapping[str, str] | None = None) -> Iterator[Piece]:
    """Yield code, then the functions of the catalogue that it uses, without code that only passes them on."""
    if isinstance(what, dict):
        for name, part in what.items():
            for number, piece in enumerate(_followed(part)):
                yield piece if number else replace(piece, part=name)
    elif isinstance(what, partial):
        bound = inspect.signature(what.func).bind_partial(*what.args, **what.keywords).arguments
        own = {name: _shown(value) for name, value in bound.items() if not _has_code(value)}
        yield from _followed(what.func, {**(values or {}), **own})
        yield from (piece for value in bound.values() if _has_code(value) for piece in _followed(value))
    elif isinstance(what, FunctionType) and _has_code(what):
        own = {**_numbers(what), **_closure_values(what), **(values or {})}
        if what.__module__ in _PASS_ON:
            yield from _passing_on(what)
        else:
            yield Piece(_where(what), _source(what), own)
            own = {}
        for inner in _inner(what):
            yield from _followed(inner, own)
    elif callable(what) and not isinstance(what, type):
        yield Piece(_shown(what), _shown(what), values or {})


def _of_class(step: type) -> Iterator[Piece]:
    """Yield a class and its bases; for a class that is made of functions, the functions."""
    for kind in reversed([k for k in step.__mro__ if k.__module__.startswith(_HERE)]):
        functions = [f for f in vars(kind).values() if isinstance(f, FunctionType)]
        if kind.__module__ not in _PASS_ON:
            values = {name: value for f in functions for name, value in _closure_values(f).items()}
            yield Piece(_where(kind), _source(kind), values)
        for function in functions:
            used = [function] if kind.__module__ in _PASS_ON else _inner(function)
            yield from (piece for inner in used for piece in _followed(inner))


def _passing_on(function: FunctionType) -> Iterator[Piece]:
    """Yield the function that a change is passed to; nothing if ``function`` is the change itself."""
    outer = function.__globals__.get(function.__qualname__.partition(".")[0])
    if isinstance(outer, FunctionType) and (docstring := inspect.getdoc(outer)):
        yield Piece(_where(outer), f'"""{docstring.splitlines()[0].replace("``", "")}"""', kind="through")


def _inner(function: FunctionType) -> Iterator[object]:
    """Yield the code of the catalogue that a function uses: closure variables, and functions that it calls."""
    passes_on = function.__module__ in _PASS_ON
    closure = [value for value in _closure(function).values() if getattr(value, "__module__", "") != notation.__name__]
    yield from (value for value in closure if _has_code(value) or (passes_on and _is_code(value)))
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        home = getattr(value, "__module__", "")
        if isinstance(value, FunctionType) and home.startswith(_HERE) and home not in _PASS_ON:
            yield value


def _closure_values(function: FunctionType) -> dict[str, str]:
    """Return the closure variables of a function as text, except code without a name, which is shown separately."""
    passes_on = function.__module__ in _PASS_ON
    found = ((n, v) for n, v in _closure(function).items() if v != () and not (passes_on and _is_code(v)))
    return {n: _shown(v) for n, v in found if not _has_code(v) or getattr(v, "__name__", "<lambda>") != "<lambda>"}


def _numbers(function: FunctionType) -> dict[str, str]:
    found = ((name, function.__globals__.get(name)) for name in _names(function.__code__))
    return {name: _shown(value) for name, value in found if isinstance(value, int | float)}


def _is_code(value: object) -> bool:
    return callable(value) or (isinstance(value, dict) and all(map(callable, value.values())))


def _has_code(value: object) -> bool:
    """Return whether a value is code of this project, or a dictionary of it."""
    if isinstance(value, dict):
        return any(map(_has_code, value.values()))
    inner = value.func if isinstance(value, partial) else value
    return isinstance(inner, FunctionType) and inner.__module__.startswith("rnn_goldens.")


def _closure(function: Any) -> dict[str, object]:  # noqa: ANN401 - a function, or what is made of it
    found = inspect.getclosurevars(function).nonlocals
    return {name: value for name, value in found.items() if name != "__class__"}


def _names(code: CodeType) -> list[str]:
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return [*code.co_names, *(name for part in inner for name in _names(part))]


def _shown(value: object) -> str:
    if isinstance(value, partial):
        bound = [*map(_shown, value.args), *(f"{name}={_shown(v)}" for name, v in value.keywords.items())]
        return f"{_shown(value.func)}(…, {', '.join(bound)})"
    module = getattr(value, "__module__", None) or ("numpy" if type(value).__name__ == "ufunc" else "")
    name = getattr(value, "__name__", None)
    if name and callable(value):
        return f"np.{name}" if module.startswith("numpy") else name
    return re.sub(r" at 0x\w+", "", repr(value))


def _where(thing: Any) -> str:  # noqa: ANN401 - a function or a class
    """Return a location such as ``Network.weights, rnn_goldens/cells/network.py``."""
    name = str(thing.__qualname__).rpartition("<locals>.")[2]
    file = "/".join(thing.__module__.split("."))
    return f"{file}.py" if name == "<lambda>" else f"{name}, {file}.py"


def _source(thing: Any) -> str:  # noqa: ANN401 - a function or a class
    if isinstance(thing, FunctionType) and thing.__name__ == "<lambda>":
        return lambda_text(thing)
    text = textwrap.dedent(inspect.getsource(thing)).rstrip()
    return "\n".join(re.sub(r"  # (noqa|type: ignore|fmt:).*", "", line) for line in text.splitlines())


def lambda_text(function: FunctionType) -> str:
    """Return only the lambda from its source line."""
    code = function.__code__
    path = inspect.getsourcefile(code) or code.co_filename
    text, found = _lambdas(path)
    here = [node for node in found if node.lineno == code.co_firstlineno]
    places = [(line, column) for line, _, column, _ in code.co_positions() if line and column]
    last = max(places, default=(0, 0))
    around = [n for n in here if (n.body.lineno, n.body.col_offset) <= last <= (n.end_lineno, n.end_col_offset)]
    node = min(around or here, key=lambda n: len(ast.unparse(n)))
    segment = ast.get_source_segment(text, node, padded=True) or ast.unparse(node)
    return textwrap.dedent(segment)


@lru_cache(maxsize=32)
def _lambdas(path: str) -> tuple[str, list[ast.Lambda]]:
    text = Path(path).read_text("utf-8")
    return text, [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Lambda)]


def _without_docstring(source: str) -> str:
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.FunctionDef)
    if ast.get_docstring(node) is None:
        return source
    docstring, lines = node.body[0], source.splitlines()
    return "\n".join([*lines[: docstring.lineno - 1], *lines[docstring.end_lineno :]])
