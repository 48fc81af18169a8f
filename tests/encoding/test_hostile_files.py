"""A file that was made to hurt is one error, in a second and 256 MB at most."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from encoding.hostile import JSON, TEXTS, Measured, measured, of_json


def assert_one_error(path: Path, said: str, found: Measured) -> None:
    assert re.search(said, found.said, re.DOTALL), found.said
    assert found.said.startswith(str(path))
    assert len(found.said) < 5000
    assert found.seconds < 1
    assert found.mebibytes < 256


@pytest.mark.slow
@pytest.mark.parametrize(("change", "said"), JSON.values(), ids=JSON)
def test_hostile_json(change: Callable[[dict[str, Any]], object], said: str, tmp_path: Path) -> None:
    path = of_json(change, tmp_path / "hostile.json")
    assert_one_error(path, said, measured(path))


@pytest.mark.slow
@pytest.mark.parametrize(("text", "said"), TEXTS.values(), ids=TEXTS)
def test_hostile_text(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.json"
    path.write_text(text)
    assert_one_error(path, said, measured(path))
