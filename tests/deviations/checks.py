"""What the tests of all four catalogues of deviations check in the same way."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

DEFECT = r"[\w.-]+(#| PR)\d+"
"""The name of a reported defect: a project, and the number of an issue or a pull request."""


def assert_well_named(*catalogues: Iterable[Any]) -> None:
    """Check that names are unique in all catalogues together, and made of words."""
    names = Counter(wrong.name for catalogue in catalogues for wrong in catalogue)
    assert [name for name, count in names.items() if count > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []


def assert_described(wrong: Any, cells: Iterable[str], features: Iterable[str]) -> None:
    """Check that a deviation has a sentence, and only known cells and features."""
    assert re.fullmatch(r"[A-Z].*[^.]\.", wrong.sentence)
    assert wrong.cells
    assert set(wrong.cells) <= set(cells)
    assert set(wrong.needs) <= set(features)


def equivalent(
    deviations: Iterable[Any], examples: Iterable[Any], results: Callable[[Any, Any], Hashable]
) -> list[list[str]]:
    """Return the names of deviations that no example distinguishes by their results, in groups."""
    groups: list[Sequence[Any]] = [list(deviations)]
    for example in examples:
        groups = [part for group in groups for part in _with_equal_results(group, example, results)]
    return [[wrong.name for wrong in group] for group in groups]


def _with_equal_results(
    group: Iterable[Any], example: Any, results: Callable[[Any, Any], Hashable]
) -> list[Sequence[Any]]:
    found: dict[Hashable, list[Any]] = {}
    for wrong in group:
        found.setdefault(results(wrong, example), []).append(wrong)
    return [several for several in found.values() if len(several) > 1]
