"""Readers of golden files that do not use this package read exactly the same numbers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples.compilation import EXAMPLES, Build, Need
from numpy.typing import NDArray

from rnn_goldens import load
from rnn_goldens.corpus import find
from rnn_goldens.encoding.tree import to_tree

READERS = EXAMPLES / "readers"
GOLDENS = ["documented/single-sequence", "lstm/lengths", "gru/bidirectional-unbatched", "sizes-exact/hidden-128"]


def arrays(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from arrays(value, f"{path}{name}/")
        elif isinstance(value, np.ndarray):
            yield f"{path}{name}", value


def expected_output(golden: str) -> str:
    lines, checksum = [golden], 0xCBF29CE484222325
    for path, array in sorted(arrays(to_tree(load(golden, dtype="float64")))):
        lines.append(" ".join(map(str, (path, *array.shape))))
        for byte in array.astype("<f8").tobytes():
            checksum = (checksum ^ byte) * 0x100000001B3 % 2**64
    return "\n".join([*lines, f"checksum {checksum:016x}", ""])


def printed(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def read_h5(need: Need, build: Build) -> Path:
    need("make", "cc", "pkg-config", library="hdf5")
    return build("readers", "read_h5") / "read_h5"


@pytest.mark.parametrize("golden", GOLDENS)
def test_h5py_reads_a_golden(golden: str) -> None:
    assert printed(sys.executable, READERS / "read_h5.py", find() / f"{golden}.h5") == expected_output(golden)


@pytest.mark.parametrize("golden", GOLDENS)
def test_c_reads_a_golden_with_libhdf5(golden: str, read_h5: Path) -> None:
    assert printed(read_h5, find() / f"{golden}.h5") == expected_output(golden)


@pytest.mark.parametrize("golden", GOLDENS)
def test_javascript_reads_a_golden(golden: str, need: Need) -> None:
    need("node")
    assert printed("node", READERS / "read_json.js", find() / f"{golden}.json") == expected_output(golden)


def test_the_checksum_on_the_page_is_correct() -> None:
    assert expected_output("lstm/lengths") in (READERS / "README.md").read_text("utf-8")
