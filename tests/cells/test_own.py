"""A cell of someone's own is found by its name, and what its shapes follow from is read off its equations."""

from pathlib import Path

import pytest

from rnn_goldens.cells.own import own_cell
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Layout


@pytest.mark.parametrize("cell", CELLS)
def test_our_own_equations_are_read_off_as_torch_lays_them_out(cell: str) -> None:
    assert own_cell(f"rnn_goldens.cells.equations:{cell}").layout == LAYOUTS[cell]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module that holds the equations a test gives, by its name."""
    name = f"cells_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(
        f"from rnn_goldens.cells.notation import relu, sigmoid, tanh\n\n{request.param}\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return name


SUM = "w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha"


@pytest.mark.parametrize("written", [f"def own(x, h, c, w):\n    return tanh({SUM} + w.peep * c), c"], indirect=True)
def test_what_is_no_gates_is_a_vector_and_a_second_state_is_c(written: str) -> None:
    assert own_cell(f"{written}:own").layout == Layout("a", ("h", "c"), ("peep",))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("own = 3", "is no function of x, the states and w, but of type int"),
        ("def own(x, w): return (x,)", r"takes \(x, w\); a golden's cell takes \(x, h, w\) or \(x, h, c, w\)"),
        ("def own(x, h, c, n, w): return h, c, n", r"takes \(x, h, c, n, w\); a golden's cell takes"),
        (f"def own(x, h, w):\n    return tanh({SUM})", r"own returned Term; what is wanted is a tuple of the states"),
        (f"def own(x, h, c, w):\n    return (tanh({SUM}),)", "own returned 1 state, and got 2"),
        (
            "def own(x, h, w):\n    return (tanh(w.W_z @ x),)",
            "line 4: AttributeError: there is no weight W_z: a gate",
        ),
        ("def own(x, h, w):\n    return (gelu(h),)", "line 4: NameError: name 'gelu' is not defined"),
        ("def own(x, h, w):\n    raise KeyError('mine')", "line 4: KeyError: 'mine'"),
        ("def own(x, h, w):\n    return (tanh(h),)", "speaks of no weights such as w.W_ih"),
        ("def own(x, h, w):\n    return (tanh(w.p @ x),)", "line 4: TypeError: "),
    ],
    indirect=["written"],
)
def test_equations_that_are_none_are_one_error_with_the_place(written: str, message: str) -> None:
    with pytest.raises(WrongUse, match=rf"^cell '{written}:own': .*{message}"):
        own_cell(f"{written}:own")


def test_a_module_that_is_not_there_is_said_with_where_it_was_looked_for() -> None:
    with pytest.raises(WrongUse, match=r"cell 'not_there:own': no module 'not_there', looked in .* and the installed"):
        own_cell("not_there:own")
