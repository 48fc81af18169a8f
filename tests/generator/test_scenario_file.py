"""An error in a user's file of scenarios is raised as one error, with its line in the user's files."""

import sys
from pathlib import Path

import pytest

from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.scenario_file import read_scenarios

SCENARIO = "Scenario(id='mine/one', purpose='One.', cell='gru', weights={}, x=[[[1]]])"
HEAD = "from rnn_goldens import Scenario\nVERSION = '1.0.0'\n"


@pytest.fixture(autouse=True)
def path_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore sys.path: the folder of a file of scenarios stays in it."""
    monkeypatch.setattr("sys.path", sys.path.copy())


def refused(folder: Path, text: str, name: str = "mine.py") -> str:
    (folder / name).write_text(text, "utf-8")
    with pytest.raises(WrongUse) as caught:
        read_scenarios(folder / name)
    return str(caught.value)


def test_an_error_of_this_package_is_one_line_with_the_file_of_the_error(tmp_path: Path) -> None:
    text = f"{HEAD}\n\nSCENARIOS = [\n    {SCENARIO.replace('mine/one', 'b')}\n]\n"
    assert refused(tmp_path, text).startswith(
        f"{tmp_path}/mine.py, line 6: 'b' is not a golden's id: expected folder/name"
    )
    assert "\n" not in refused(tmp_path, text)
    (tmp_path / "beside_it.py").write_text(f"{HEAD}\ndef made():\n    return {SCENARIO.replace('One.', '')}\n", "utf-8")
    message = refused(tmp_path, "import beside_it\nSCENARIOS = [beside_it.made()]\n")
    assert message.startswith(f"{tmp_path}/beside_it.py, line 5: mine/one: purpose is empty")


def test_another_error_has_a_traceback_of_the_users_files_with_its_cause(tmp_path: Path) -> None:
    message = refused(tmp_path, "import numpy\n\nx = numpy.load('nothing.npy')\n")
    assert message.splitlines()[:3] == [
        f"{tmp_path}/mine.py cannot be run:",
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/mine.py", line 3, in <module>',
    ]
    assert message.splitlines()[-1].startswith("FileNotFoundError: ")
    assert message.count("File ") == 1
    message = refused(
        tmp_path, "try:\n    import json\n    json.loads('x')\nexcept ValueError as e:\n    raise OSError from e\n"
    )
    assert [line for line in message.splitlines() if "File" in line] == [
        f'  File "{tmp_path}/mine.py", line 3, in <module>',
        f'  File "{tmp_path}/mine.py", line 5, in <module>',
    ]
    message = refused(tmp_path, f"{HEAD}def mine():\n    yield {SCENARIO}\n    1 / 0\n\nSCENARIOS = mine()\n")
    assert f'"{tmp_path}/mine.py", line 5, in mine' in message
    assert message.endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize("name", ["json", "numpy", "click", "rnn_goldens", "pytest"])
def test_a_file_that_would_hide_a_module_is_an_error(tmp_path: Path, name: str) -> None:
    message = refused(tmp_path, f"{HEAD}SCENARIOS = [{SCENARIO}]\n", f"{name}.py")
    assert f"{name}.py: would hide the module {name} (" in message
    assert message.endswith("): rename the file")


def test_a_file_that_is_importable_through_a_link_hides_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_by_link.py").write_text(f"{HEAD}SCENARIOS = [{SCENARIO}]\n", "utf-8")
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "link")
    assert read_scenarios(tmp_path / "mine_by_link.py").scenarios


def test_files_with_the_same_name_can_be_read_in_turn(tmp_path: Path) -> None:
    for number in ("one", "two", "one"):
        folder = tmp_path / number
        folder.mkdir(exist_ok=True)
        (folder / "mine_twice.py").write_text(f"{HEAD}SCENARIOS = [{SCENARIO.replace('one', number)}]\n", "utf-8")
        assert [scenario.id for scenario in read_scenarios(folder / "mine_twice.py").scenarios] == [f"mine/{number}"]
