"""A hostile file raises one error, within one second and 256 MiB."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from encoding.hostile_json import JSON, TEXTS, Measured, hostile_copy, measure


def assert_one_error(path: Path, message: str, found: Measured) -> None:
    assert re.search(message, found.message, re.DOTALL), found.message
    assert found.message.startswith(str(path))
    assert len(found.message) < 5000
    assert found.seconds < 1
    assert found.mebibytes < 256


@pytest.mark.slow
@pytest.mark.parametrize(("change", "message"), JSON.values(), ids=JSON)
def test_hostile_json_raises_one_error(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    path = hostile_copy(change, tmp_path / "hostile.json")
    assert_one_error(path, message, measure(path))


@pytest.mark.slow
@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_hostile_text_raises_one_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.json"
    path.write_text(text)
    assert_one_error(path, message, measure(path))
