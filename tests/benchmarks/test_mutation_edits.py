"""Small edits of a source: which there are, and which a seed draws."""

import shutil
from itertools import combinations

import pytest
from examples.building import lacking

from benchmarks.mutation import javascript_places, python_places
from benchmarks.mutation.edits import JAVASCRIPT, KINDS, PYTHON, drawn, edited, singles
from benchmarks.mutation.sources import EDITED_FUNCTIONS, HERE, PROGRAMS, Source

PLAIN = """
def twice(a, b):
    c = (a + 1) * b
    if c < 2:
        c = -abs(c)
    return [c, b[0]]
"""


def small(text: str = PLAIN) -> Source:
    return Source(
        "NumPy",
        {"small.py": text},
        PYTHON,
        lambda _, text: python_places.places(text),
        lambda texts: [True] * len(texts),
    )


def lines(kind: str, text: str = PLAIN) -> list[str]:
    """The lines that edits of a kind make of another."""
    source = small(text)
    made = [edited(source.files, [edit])["small.py"] for edit in source.singles[kind]]
    return [line.strip() for whole in made for line in whole.splitlines() if line not in text.splitlines()]


def in_javascript(text: str, kind: str) -> list[str]:
    """What edits of a kind make of a text in JavaScript."""
    need_acorn()
    found = singles({"f.js": text}, {"f.js": javascript_places.places(text, ())}, JAVASCRIPT)
    return [edited({"f.js": text}, [edit])["f.js"] for edit in found[kind]]


def need_acorn() -> None:
    if shutil.which("node") is None:
        lacking("node is not installed")
    if not (HERE / "node_modules" / "acorn").is_dir():
        lacking("acorn is not installed; `make mutation` does it")


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("another operator", ["c = (a - 1) * b", "c = (a + 1) + b", "if c >= 2:"]),
        ("another number", ["c = (a + 2) * b", "c = (a + -1) * b", "if c < 3:", "return [c, b[1]]"]),
        ("another index", ["return [c, b[0 + 1]]", "return [c, b[0 - 1]]"]),
        ("a term or factor dropped", ["c = (a) * b", "c = (1) * b", "c = (a + 1)", "c = b"]),
        ("a term or factor repeated", ["c = (a + 1 + 1) * b", "c = (a + 1) * (a + 1) * b"]),
        ("the sides swapped", ["c = (1 + a) * b", "c = b * (a + 1)", "if 2 < c:"]),
        ("two elements swapped", ["return [b[0], c]"]),
        ("a statement dropped", ["pass"]),
        ("a condition negated", ["if not (c < 2):"]),
        ("a call or a minus dropped", ["c = abs(c)", "c = -c"]),
        ("another name", ["c = (b + 1) * b", "return [a, b[0]]"]),
    ],
)
def test_an_edit_is_small(kind: str, made: list[str]) -> None:
    assert set(made) <= set(lines(kind))


def test_statements_are_repeated_and_swapped() -> None:
    text = "def f(a):\n    a = a + 1\n    b = a\n    return b\n"
    source = small(text)
    repeated, swapped = (source.singles[kind][0] for kind in ("a statement repeated", "two statements swapped"))
    assert edited(source.files, [repeated])["small.py"] == text.replace("a = a + 1", "a = a + 1\n    a = a + 1")
    assert edited(source.files, [swapped])["small.py"] == "def f(a):\n    b = a\n    a = a + 1\n    return b\n"


def test_what_is_gone_through_may_go_backwards() -> None:
    assert lines("gone through backwards", "def f(a):\n    return [b for b in a]\n") == [
        "return [b for b in [*a][::-1]]"
    ]


def test_a_text_is_taken_for_another_of_its_function() -> None:
    assert lines("another text", 'def f(a):\n    return a["x"], a["y"]\n') == [
        'return a["y"], a["y"]',
        'return a["x"], a["x"]',
    ]


@pytest.mark.parametrize("name", ["numpy_network.py", "plain_network.py"])
def test_every_kind_is_made_of_each_network(name: str) -> None:
    text = (HERE / name).read_text("utf-8")
    found = singles({name: text}, {name: python_places.places(text)}, PYTHON)
    assert [kind for kind in KINDS if not found[kind]] == []


def test_every_kind_is_made_of_the_network_in_javascript() -> None:
    need_acorn()
    files = {name: (PROGRAMS / name).read_text("utf-8") for name in EDITED_FUNCTIONS}
    places = {name: javascript_places.places(text, EDITED_FUNCTIONS[name]) for name, text in files.items()}
    found = singles(files, places, JAVASCRIPT)
    assert [kind for kind in KINDS if not found[kind]] == []


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("another name", "const f = (a, b) => [...b].map((x, k) => x * b[k]);"),
        ("a call or a minus dropped", "const f = (a, b) => [...a];"),
        ("another index", "const f = (a, b) => [...a].map((x, k) => x * b[k + 1]);"),
        ("gone through backwards", "const f = (a, b) => [...[...a]].reverse().map((x, k) => x * b[k]);"),
        ("another operator", "const f = (a, b) => [...a].map((x, k) => x / b[k]);"),
    ],
)
def test_javascript_is_edited_alike(kind: str, made: str) -> None:
    assert made in in_javascript("const f = (a, b) => [...a].map((x, k) => x * b[k]);", kind)


def test_a_seed_always_draws_the_same() -> None:
    assert [small().edits(seed) for seed in range(50)] == [small().edits(seed) for seed in range(50)]
    assert small().edits(0) != small().edits(2)
    assert drawn("NumPy", 6, small().singles) != drawn("JavaScript", 6, small().singles)


def test_an_even_seed_draws_one_and_an_odd_one_two_that_do_not_overlap() -> None:
    source = small()
    assert {len(source.edits(seed)) for seed in range(0, 100, 2)} == {1}
    for seed in range(1, 100, 2):
        one, other = source.edits(seed)
        assert not one.overlaps(other)
        assert edited(source.files, [one, other]) == edited(source.files, [other, one])


def test_no_two_single_edits_give_the_same() -> None:
    source = small()
    made = [edited(source.files, [edit])["small.py"] for edits in source.singles.values() for edit in edits]
    assert all(one != other for one, other in combinations(made, 2))
    assert PLAIN not in made


def test_edits_that_are_not_of_the_language_are_not_drawn() -> None:
    assert [python_places.is_valid(text) for text in ("a = 1", "a = = 1")] == [True, False]
