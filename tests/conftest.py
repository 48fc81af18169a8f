"""A copy of the corpus to break, and goldens of any shape to compare with."""

import shutil
from pathlib import Path

import making
import pytest

from rnn_goldens.corpus import find


@pytest.fixture
def corpus_copy(tmp_path: Path) -> Path:
    """A corpus folder that a test may damage."""
    return Path(shutil.copytree(find("v1"), tmp_path / "corpus"))


@pytest.fixture
def make_golden() -> making.MakeGolden:
    """Make a golden of any configuration."""
    return making.make_golden
