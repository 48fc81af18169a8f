"""Custom cells are found by name; their gates, states and vectors are read from their equations."""

import re
from pathlib import Path

import pytest
from factories.custom_cells import layout

from rnn_goldens.cells.custom_cells import custom_cell, require_fits
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.shapes import Config


@pytest.mark.parametrize("cell", CELLS)
def test_the_layouts_of_built_in_cells_are_found_from_their_equations(cell: str) -> None:
    assert custom_cell(f"rnn_goldens.cells.equations:{cell}").layout == LAYOUTS[cell]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Write a module with the equations of a test, and return the name of the module."""
    name = f"cells_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(
        f"from rnn_goldens.cells.notation import mean, relu, sigmoid, tanh\n\n{request.param}\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return name


SUM = "w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha"


@pytest.mark.parametrize("written", [f"def own(x, h, c, w):\n    return tanh({SUM} + w.peep * c), c"], indirect=True)
def test_weights_not_named_w_or_b_are_vectors_and_the_second_state_is_c(written: str) -> None:
    assert custom_cell(f"{written}:own").layout == layout("a", ("h", "c"), "peep")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("own = 3", "must be a function of x, the states and w, not of type int"),
        ("def own(x, w): return (x,)", r"takes \(x, w\); a cell takes \(x, h, w\), or further states between h and w"),
        ("def own(x, h, c2, w): return h, c2", "'c2' is not a name of a state, which has letters only, such as c"),
        (f"def own(x, h, w):\n    return tanh({SUM})", r"own returned Term; expected a tuple of the states"),
        (f"def own(x, h, c, w):\n    return (tanh({SUM}),)", "line 3: own returns 1 state, but takes 2"),
        ("def own(h, x, w): return (x,)", r"takes \(h, x, w\); a cell takes \(x, h, w\)"),
        ("async def own(x, h, w): return (h,)", "must not be an async function: write def"),
        ("def own(x, h, w):\n    raise SystemExit(4)", "line 4: SystemExit: 4"),
        ("def own(x, h, w):\n    return (tanh(w.W_z @ x),)", "line 4: AttributeError: there is no weight W_z: a gate"),
        ("def own(x, h, w):\n    return (gelu(h),)", "line 4: NameError: name 'gelu' is not defined"),
        ("def own(x, h, w):\n    raise KeyError('mine')", "line 4: KeyError: 'mine'"),
        ("def own(x, h, w):\n    return (tanh(h),)", "uses no weights such as w.W_ih"),
        ("def own(x, h, w):\n    return (tanh(w.p @ x),)", "line 4: TypeError: "),
    ],
    indirect=["written"],
)
def test_invalid_equations_raise_one_error_that_names_the_cell(written: str, message: str) -> None:
    with pytest.raises(WrongUse, match=rf"^cell '{written}:own': .*{message}"):
        custom_cell(f"{written}:own")


FITTING = "tanh(w.W_ia @ x + w.W_ha @ h)"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("def own(x, h, w):\n    return (tanh(w.W_ia @ x + w.W_ha @ x),)", "line 4: TypeError: W_ha has 4 columns"),
        (
            "def own(before, given, w):\n    return (tanh(w.W_ia @ given + w.W_ha @ before),)",
            "line 4: TypeError: W_ia has 3 columns, for x, but is multiplied with 4 numbers",
        ),
        (f"def own(x, h, w):\n    a = {FITTING}\n    return (a + h + x,)", "line 5: TypeError: sum: one term has 4"),
        (f"def own(x, h, w):\n    return (tanh(x) + 0 * {FITTING},)", "line 3: h after the step has 3 numbers"),
        (f"def own(x, h, w):\n    return (w.W_ha @ mean({FITTING}),)", "line 4: TypeError: W_ha has 4 columns"),
    ],
    indirect=["written"],
)
def test_terms_of_different_sizes_raise_one_error_with_the_line(written: str, message: str) -> None:
    cell = custom_cell(f"{written}:own")
    with pytest.raises(WrongUse, match=rf"^cell '{written}:own': .*{written}.py, {message}"):
        require_fits(cell, Config(3, 4))


@pytest.mark.parametrize("written", [f"def own(x, h, w):\n    return ({FITTING} + x,)"], indirect=True)
def test_terms_must_fit_in_upper_layers_too(written: str) -> None:
    cell = custom_cell(f"{written}:own")
    require_fits(cell, Config(4, 4, num_layers=2))
    with pytest.raises(WrongUse, match="line 4: TypeError: sum: one term has 4 numbers, another 8"):
        require_fits(cell, Config(4, 4, num_layers=2, bidirectional=True))


@pytest.mark.parametrize("written", [f"def own(x, h, w):\n    return ({FITTING} * mean(h) + 1,)"], indirect=True)
def test_a_value_that_is_the_same_for_all_units_fits_every_size(written: str) -> None:
    require_fits(custom_cell(f"{written}:own"), Config(3, 4))


@pytest.mark.parametrize(
    ("written", "traceback"),
    [
        ("def own(x, h, w)\n    return (h,)", r'  File ".*{name}.py", line 3\n +def own.*SyntaxError: .*'),
        ("raise ValueError('mine')", r'Traceback \(most recent call last\):\n  File ".*{name}.py", line 3.*: mine'),
        ("raise SystemExit(4)", r'Traceback \(most recent call last\):\n  File ".*{name}.py", line 3.*SystemExit: 4'),
    ],
    indirect=["written"],
)
def test_a_module_that_cannot_be_imported_is_reported_with_its_traceback(written: str, traceback: str) -> None:
    with pytest.raises(WrongUse) as caught:
        custom_cell(f"{written}:own")
    head = re.escape(f"cell '{written}:own': {written} cannot be imported:\n")
    assert re.fullmatch(head + traceback.replace("{name}", written), str(caught.value), re.DOTALL)


def test_a_missing_module_is_reported_with_the_searched_folders() -> None:
    with pytest.raises(WrongUse, match=r"cell 'not_there:own': no module 'not_there', looked in .* and the installed"):
        custom_cell("not_there:own")


def test_the_searched_folders_include_those_added_to_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "added").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "added")
    with pytest.raises(WrongUse, match="looked in ") as caught:
        custom_cell("not_there:own")
    assert f"looked in {tmp_path}, {tmp_path / 'added'}" in str(caught.value)
    assert "site-packages" not in str(caught.value)
