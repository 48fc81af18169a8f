"""The versions of the packages that an implementation uses."""

from importlib.metadata import version
from pathlib import Path

import pytest

from rnn_goldens.implementations.builtin import versions_of_packages


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
