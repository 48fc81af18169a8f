import sys
from pathlib import Path

import pytest
from making import MakeGolden

import rnn_goldens
from rnn_goldens import UnknownName, Unsupported
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import BUILTIN, outputs_of, resolve
from rnn_goldens.implementations.numpy_cells import run as numpy_run


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's working directory, importable as under ``python -m``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "users_net.py").write_text("class Net:\n    run = staticmethod(lambda golden: (golden,))\nnumber = 3\n")
    (tmp_path / "users_broken.py").write_text("import not_installed_anywhere\n")
    return tmp_path


def test_a_callable_is_found_in_the_working_directory() -> None:
    golden = rnn_goldens.load("documented/mini-batch")
    assert resolve("users_net:Net.run")(golden) == (golden,)


@pytest.mark.parametrize("name", BUILTIN)
def test_built_in_names_are_callables(name: str) -> None:
    assert callable(resolve(name))


@pytest.mark.parametrize("name", ["nunpy", "users_net", "users_net:", ":run", ""])
def test_a_name_that_is_neither_lists_what_exists(name: str) -> None:
    with pytest.raises(UnknownName, match=r"Implementations \(or package.module:callable\): numpy, torch"):
        resolve(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:run", "no module 'no_such_module', looked in .* and the installed packages"),
        ("users_net.deeper:run", "no module 'users_net.deeper'"),
        ("users_net:Nett", "users_net has no 'Nett'"),
        ("users_net:number", "number is a int, not a callable"),
        ("users_broken:run", "importing users_broken failed: No module named 'not_installed_anywhere'"),
    ],
)
def test_what_is_not_to_be_found_is_said(name: str, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        resolve(name)


def test_the_numpy_cells_refuse_what_they_do_not_have(make_golden: MakeGolden) -> None:
    with pytest.raises(Unsupported, match="no lstm"):
        numpy_run(make_golden("lstm"))


@pytest.mark.parametrize(("result", "what"), [(None, "a NoneType"), ((1,), "1 outputs"), ("ab", "a str")])
def test_a_result_that_is_no_tuple_of_outputs_says_what_it_is(result: object, what: str) -> None:
    with pytest.raises(TypeError, match=f"returned {what}; it returns"):
        outputs_of(result)
