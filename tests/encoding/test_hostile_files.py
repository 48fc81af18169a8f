"""A file that was made to hurt is one error, in a second and 256 MB at most."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from encoding.hostile import HDF5, JSON, TEXTS, Measured, measured, of_hdf5, of_json


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


@pytest.mark.slow
@pytest.mark.parametrize(("change", "said"), HDF5.values(), ids=HDF5)
def test_hostile_hdf5(change: Callable[[h5py.File], object], said: str, tmp_path: Path) -> None:
    path = of_hdf5(change, tmp_path / "hostile.h5")
    assert_one_error(path, said, measured(path))
