"""Mutants of a module, as Cosmic Ray's operators make them: one small change each."""

import ast
import difflib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.mutants.modules import TOP

Place = tuple[int, int]
"""Line and column, as ``ast`` and parso count them."""


@dataclass(frozen=True)
class Mutant:
    """A module with one small change.

    Attributes:
        module: its path from the top of the checkout.
        operator: Cosmic Ray's name of what was done.
        line: where, counted from 1.
        function: the first and last line of the innermost function the change is in; None outside of all.
        before, after: the line as it was and as it is now; the lines, where there are several.
        source: the whole text.
    """

    module: str
    operator: str
    line: int
    function: tuple[int, int] | None
    before: str
    after: str
    source: str


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module, but for those that Python refuses or warns of when it compiles them.

    What is there for type checkers is left as it is, for it decides nothing.
    """
    from cosmic_ray.commands.init import _all_work_items
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    path = TOP / module
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    for_type_checkers, functions = list(_for_type_checkers(tree)), list(_functions(tree))
    for item in _all_work_items([path], {}):
        (spec,) = item.mutations
        if any(begin <= spec.start_pos < end for begin, end in for_type_checkers):
            continue
        mutated = mutate_code(source, get_operator(spec.operator_name)(), spec.occurrence)
        if mutated is None or not _compiles(mutated):
            continue
        line = spec.start_pos[0]
        inside = [lines for lines in functions if lines[0] <= line <= lines[1]]
        before, after = _changed(source, mutated)
        name = spec.operator_name.removeprefix("core/")
        yield Mutant(module, name, line, max(inside, default=None), before, after, mutated)


def _for_type_checkers(tree: ast.AST) -> Iterator[tuple[Place, Place]]:
    for node in ast.walk(tree):
        imported = node.test if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) else None
        for found in (getattr(node, "annotation", None), getattr(node, "returns", None), imported):
            if isinstance(found, ast.expr):
                yield (found.lineno, found.col_offset), (found.end_lineno or 0, found.end_col_offset or 0)


def _functions(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """The lines of each function's body; what stands before it, defaults and decorators, runs when it is defined."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.body[0].lineno, node.end_lineno or 0


def _compiles(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        try:
            compile(source, "mutant", "exec")
        except SyntaxError:
            return False
    return True


def _changed(source: str, mutated: str) -> tuple[str, str]:
    old, new = source.splitlines(), mutated.splitlines()
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    apart = [step for step in steps if step[0] != "equal"]
    first, last = apart[0], apart[-1]
    return _joined(old[first[1] : last[2]]), _joined(new[first[3] : last[4]])


def _joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
