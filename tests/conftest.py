"""A small corpus and a copy of it to break, and goldens of any shape to compare with."""

import json
import shutil
from pathlib import Path

import making
import pytest

from rnn_goldens.corpus import find

FEW = ("documented/", "lstm/lengths", "exact/three-layers")
"""How the ids begin that are enough to break."""


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few goldens of the newest version, as they are."""
    whole, folder = find("v1"), tmp_path_factory.mktemp("small") / "corpus"
    index = json.loads((whole / "index.json").read_text("utf-8"))
    index["goldens"] = [golden for golden in index["goldens"] if golden["id"].startswith(FEW)]
    for golden in index["goldens"]:
        for file in golden["files"].values():
            (folder / file["path"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(whole / file["path"], folder / file["path"])
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    return folder


@pytest.fixture
def corpus_copy(small_corpus: Path, tmp_path: Path) -> Path:
    """A small corpus that a test may damage."""
    return Path(shutil.copytree(small_corpus, tmp_path / "corpus"))


@pytest.fixture
def make_golden() -> making.MakeGolden:
    """Make a golden of any configuration."""
    return making.make_golden
