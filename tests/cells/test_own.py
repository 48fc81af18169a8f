"""A cell of someone's own is found by its name, and what its shapes follow from is read off its equations."""

import re
from pathlib import Path

import pytest

from rnn_goldens.cells.own import own_cell, require_fits
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Config, Layout


@pytest.mark.parametrize("cell", CELLS)
def test_our_own_equations_are_read_off_as_torch_lays_them_out(cell: str) -> None:
    assert own_cell(f"rnn_goldens.cells.equations:{cell}").layout == LAYOUTS[cell]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module that holds the equations a test gives, by its name."""
    name = f"cells_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(
        f"from rnn_goldens.cells.notation import mean, relu, sigmoid, tanh\n\n{request.param}\n", "utf-8"
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
        (f"def own(x, h, c, w):\n    return (tanh({SUM}),)", "line 3: own returns 1 state, and takes 2"),
        ("def own(h, x, w): return (x,)", r"takes \(h, x, w\); a golden's cell takes \(x, h, w\)"),
        ("async def own(x, h, w): return (h,)", "is an async function, which gives nothing at once: write def"),
        ("def own(x, h, w):\n    raise SystemExit(4)", "line 4: SystemExit: 4"),
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


FITTING = "tanh(w.W_ia @ x + w.W_ha @ h)"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("def own(x, h, w):\n    return (tanh(w.W_ia @ x + w.W_ha @ x),)", "line 4: TypeError: W_ha has 4 columns"),
        (
            "def own(before, given, w):\n    return (tanh(w.W_ia @ given + w.W_ha @ before),)",
            "line 4: TypeError: W_ia has 3 columns, which go with x, and stands before 4 numbers",
        ),
        (f"def own(x, h, w):\n    a = {FITTING}\n    return (a + h + x,)", "line 5: TypeError: sum: one term has 4"),
        (f"def own(x, h, w):\n    return (tanh(x) + 0 * {FITTING},)", "line 3: h after the step has 3 numbers"),
        (f"def own(x, h, w):\n    return (w.W_ha @ mean({FITTING}),)", "line 4: TypeError: W_ha has 4 columns"),
    ],
    indirect=["written"],
)
def test_terms_that_do_not_fit_together_are_one_error_with_the_line(written: str, message: str) -> None:
    cell = own_cell(f"{written}:own")
    with pytest.raises(WrongUse, match=rf"^cell '{written}:own': .*{written}.py, {message}"):
        require_fits(cell, Config(3, 4))


@pytest.mark.parametrize("written", [f"def own(x, h, w):\n    return ({FITTING} + x,)"], indirect=True)
def test_terms_have_to_fit_in_the_layers_above_the_first_too(written: str) -> None:
    cell = own_cell(f"{written}:own")
    require_fits(cell, Config(4, 4, num_layers=2))
    with pytest.raises(WrongUse, match="line 4: TypeError: sum: one term has 4 numbers, another 8"):
        require_fits(cell, Config(4, 4, num_layers=2, bidirectional=True))


@pytest.mark.parametrize("written", [f"def own(x, h, w):\n    return ({FITTING} * mean(h) + 1,)"], indirect=True)
def test_a_number_that_is_the_same_for_all_units_fits_everything(written: str) -> None:
    require_fits(own_cell(f"{written}:own"), Config(3, 4))


@pytest.mark.parametrize(
    ("written", "traceback"),
    [
        ("def own(x, h, w)\n    return (h,)", r'  File ".*{name}.py", line 3\n +def own.*SyntaxError: .*'),
        ("raise ValueError('mine')", r'Traceback \(most recent call last\):\n  File ".*{name}.py", line 3.*: mine'),
        ("raise SystemExit(4)", r'Traceback \(most recent call last\):\n  File ".*{name}.py", line 3.*SystemExit: 4'),
    ],
    indirect=["written"],
)
def test_a_module_that_can_not_be_imported_is_told_with_its_own_traceback(written: str, traceback: str) -> None:
    with pytest.raises(WrongUse) as told:
        own_cell(f"{written}:own")
    head = re.escape(f"cell '{written}:own': {written} can not be imported:\n")
    assert re.fullmatch(head + traceback.replace("{name}", written), str(told.value), re.DOTALL)


def test_a_module_that_is_not_there_is_said_with_where_it_was_looked_for() -> None:
    with pytest.raises(WrongUse, match=r"cell 'not_there:own': no module 'not_there', looked in .* and the installed"):
        own_cell("not_there:own")


def test_where_it_was_looked_for_names_what_was_made_importable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "added").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "added")
    with pytest.raises(WrongUse, match="looked in ") as told:
        own_cell("not_there:own")
    assert f"looked in {tmp_path}, {tmp_path / 'added'}" in str(told.value)
    assert "site-packages" not in str(told.value)
