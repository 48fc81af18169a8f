"""A small corpus and a copy of it to break, and goldens of any shape to compare with."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import making
import pytest
from hypothesis import HealthCheck, settings

from rnn_goldens.corpus import find

settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # however busy: no time makes an example fail

os.environ.setdefault("KERAS_BACKEND", "torch")  # the faster one for small networks; Keras reads it when imported


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of cross products, such as deviations on goldens, ``make test`` runs a sample, ``make slow`` the rest."""
    seen: Counter[str] = Counter()
    for item in items:
        if (sampled := item.get_closest_marker("sampled")) is not None:
            test = item.nodeid.partition("[")[0]
            if seen[test] % sampled.kwargs["every"]:
                item.add_marker(pytest.mark.slow)
            seen[test] += 1


FEW = ("documented/", "lstm/lengths", "exact/three-layers")
"""How the ids begin that are enough to break."""


WITHOUT_HYPOTHESIS = "-p no:hypothesispytest"
"""For the hundreds of runs of pytest that tests start: its plugin takes a second to import. Tests of it have it."""


@pytest.fixture(scope="session", autouse=True)
def runs_without_hypothesis() -> Iterator[None]:
    """Runs that a test starts by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", WITHOUT_HYPOTHESIS)
        yield


@pytest.fixture(autouse=True)
def runs_of_pytester_without_hypothesis(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that pytester starts, which discards what the environment says."""
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester")
        monkeypatch.setenv("PYTEST_ADDOPTS", WITHOUT_HYPOTHESIS)


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few goldens of the newest version, as they are, without their gradients."""
    whole, folder = find("v1"), tmp_path_factory.mktemp("small") / "corpus"
    index = json.loads((whole / "index.json").read_text("utf-8"))
    index["goldens"] = [golden for golden in index["goldens"] if golden["id"].startswith(FEW)]
    for golden in index["goldens"]:
        golden.pop("gradients", None)  # corpus_with_gradients has some
        for file in golden["files"].values():
            (folder / file["path"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(whole / file["path"], folder / file["path"])
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    return folder


@pytest.fixture
def corpus_copy(small_corpus: Path, tmp_path: Path) -> Path:
    """A small corpus that a test may damage."""
    return Path(shutil.copytree(small_corpus, tmp_path / "corpus"))


WITH_GRADIENTS = ("documented/single-sequence", "documented/mini-batch", "lstm/lengths")


@pytest.fixture(scope="session")
def corpus_with_gradients(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus in which some goldens have gradients; others have none."""
    from made_gradients import add_gradients

    folder = tmp_path_factory.mktemp("gradients") / "corpus"
    return add_gradients(Path(shutil.copytree(small_corpus, folder)), WITH_GRADIENTS)


@pytest.fixture
def gradients_copy(corpus_with_gradients: Path, tmp_path: Path) -> Path:
    """The same, that a test may damage."""
    return Path(shutil.copytree(corpus_with_gradients, tmp_path / "corpus"))


@pytest.fixture
def make_golden() -> making.MakeGolden:
    """Make a golden of any configuration."""
    return making.make_golden
