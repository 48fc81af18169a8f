"""Names of implementations: what they refer to, errors with hints, and the versions of the packages that are used."""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from factories.goldens import MakeGolden

import rnn_goldens
from rnn_goldens import UnknownName, Unsupported
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import BUILTIN, Implementation, outputs_of, resolve
from rnn_goldens.implementations.builtin import versions_of_packages
from rnn_goldens.implementations.numpy_cells import run as numpy_run


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's working directory, from which modules can be imported as under ``python -m``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "users_net.py").write_text("class Net:\n    run = staticmethod(lambda golden: (golden,))\nnumber = 3\n")
    (tmp_path / "users_broken.py").write_text("import not_installed_anywhere\n")
    return tmp_path


def test_a_callable_is_found_in_the_working_directory() -> None:
    golden = rnn_goldens.load("documented/mini-batch")
    assert resolve("users_net:Net.run")(golden)[0].id == golden.id


@pytest.mark.parametrize("name", BUILTIN)
def test_built_in_names_are_callables(built_in: Callable[[str], Implementation], name: str) -> None:
    assert callable(built_in(name))


@pytest.mark.parametrize(
    ("name", "missing", "extra"),
    [
        *((name, name, name) for name in ("torch", "onnxruntime", "keras", "flax")),
        *(("torch-cells", "torch", "torch"), ("onnx-reference", "onnx", "onnx"), ("flax", "jax", "flax")),
        ("keras-tensorflow", "keras", "keras-tensorflow"),
        ("keras-tensorflow", "tensorflow", "keras-tensorflow"),
    ],
)
def test_a_missing_framework_is_an_error_with_the_extra_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, name: str, missing: str, extra: str
) -> None:
    for module in list(sys.modules):
        if module.startswith(("rnn_goldens.implementations.", f"{missing}.")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, missing, None)
    message = rf"'{name}' needs {missing}(\.\w+)?, which is not installed: pip install 'rnn-goldens\[{extra}\]'"
    with pytest.raises(WrongUse, match=message):
        resolve(name)


@pytest.mark.parametrize("name", ["nunpy", "users_net", "users_net:", ":run", ""])
def test_the_error_for_an_unknown_name_lists_valid_ones(name: str) -> None:
    listed = r"Implementations \(or package.module:thing, FILE.onnx, or -- COMMAND\): numpy, torch"
    with pytest.raises(UnknownName, match=listed):
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
def test_a_module_or_name_that_is_not_found_is_an_error(name: str, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        resolve(name)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("my.py", "class Layer: ...\nclass MyGRU: ...", "'my.py' defines MyGRU: rnn-goldens check my:MyGRU"),
        ("./a/my.py", "class MyGRU: ...", "'./a/my.py' defines MyGRU: rnn-goldens check a.my:MyGRU"),
        ("my.py", "def run(golden): ...", "'my.py' is a program: rnn-goldens check -- python my.py"),
        ("my.py", "class MyGRU", "'my.py' is a program: rnn-goldens check -- python my.py"),
        ("my-gru.py", "class MyGRU: ...", "'my-gru.py' is a program: rnn-goldens check -- python my-gru.py"),
        ("my.c", "class MyGRU", "'my.c' is a program: rnn-goldens check -- WHAT_RUNS_IT my.c"),
    ],
)
def test_the_path_of_a_file_is_an_error_that_says_how_to_check_its_content(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(WrongUse) as error:
        resolve(name, tmp_path)
    first, *others = str(error.value).splitlines()
    assert first == message
    program = f"or, if it is a program: rnn-goldens check -- python {name}"
    assert others == ([f"  {program}"] if "defines" in message else [])


def test_the_numpy_cells_refuse_bfloat16_without_ml_dtypes(
    make_golden: MakeGolden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(Unsupported, match="install ml_dtypes"):
        numpy_run(make_golden(dtype="bfloat16"))


@pytest.mark.parametrize(("result", "what"), [(None, "a NoneType"), ((1,), "1 output"), ("ab", "a str")])
def test_a_result_that_is_not_a_tuple_of_outputs_is_described(result: object, what: str) -> None:
    with pytest.raises(TypeError, match=rf"returned {what}; \(out, h_n\) is expected"):
        outputs_of(result)


def test_versions_of_a_user_module_are_those_of_its_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets/my_rnn.py").write_text(
        "import json, numpy as np\nimport rnn_goldens\nfrom . import other\n\n"
        "def run(golden):\n    from click.testing import CliRunner\n    import not_installed_anywhere\n"
    )
    assert versions_of_packages("nets.my_rnn:run") == {"numpy": version("numpy"), "click": version("click")}


def test_versions_of_an_installed_module_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert versions_of_packages("click.testing:CliRunner") == {"click": version("click")}


@pytest.mark.parametrize("text", ["def run(golden", "\0"])
def test_a_module_that_cannot_be_parsed_has_no_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_rnn.py").write_text(text)
    assert versions_of_packages("my_rnn:run") == {}
