"""A corpus of the documented scenarios, generated once."""

import shutil
from pathlib import Path

import pytest
from factories.documented import DOCUMENTED

from rnn_goldens.generator.generate import generate


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / "corpus"
    generate(DOCUMENTED, folder)
    return folder


@pytest.fixture
def corpus(generated: Path, tmp_path: Path) -> Path:
    """A generated corpus of the documented scenarios that a test may change."""
    return Path(shutil.copytree(generated, tmp_path / "corpus"))
