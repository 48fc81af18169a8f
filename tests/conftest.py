"""The marker ``sampled``, settings of Hypothesis, and fixtures: small corpora, their copies, goldens of any shape."""

import gc
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from factories import goldens
from hypothesis import HealthCheck, settings

from rnn_goldens import load
from rnn_goldens.corpus import find
from rnn_goldens.encoding import encode

settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # no deadline: a busy machine must not fail an example

os.environ.setdefault("KERAS_BACKEND", "torch")  # faster for small networks; Keras reads the variable at import


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases of each test that has the marker ``sampled(every=n)`` as slow, except every n-th case."""
    counts: Counter[str] = Counter()
    for item in items:
        if (sampled := item.get_closest_marker("sampled")) is not None:
            test = item.nodeid.partition("[")[0]
            if counts[test] % sampled.kwargs["every"]:
                item.add_marker(pytest.mark.slow)
            counts[test] += 1


def pytest_collection_finish() -> None:
    """Collect garbage seldom, and not what is imported by now: collections take a tenth of the time of the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


SMALL = ("documented/", "lstm/lengths", "exact/three-layers")
"""Prefixes of the ids in the small corpus."""


WITHOUT_HYPOTHESIS = "-p no:hypothesispytest"
"""Options for the hundreds of runs of pytest that tests start: the plugin of Hypothesis takes a second to import."""

WITHOUT_ASYNCIO = "-p no:asyncio"
"""Options for runs of pytester, whose projects lack the settings without which the plugin of asyncio warns."""


@pytest.fixture(scope="session", autouse=True)
def runs_without_hypothesis() -> Iterator[None]:
    """Disable the plugin of Hypothesis in pytest runs that tests start themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", WITHOUT_HYPOTHESIS)
        yield


@pytest.fixture(autouse=True)
def runs_of_pytester_without_plugins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable both plugins in runs of pytester, which clears PYTEST_ADDOPTS."""
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester")
        monkeypatch.setenv("PYTEST_ADDOPTS", f"{WITHOUT_HYPOTHESIS} {WITHOUT_ASYNCIO}")


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus with a few goldens of the newest version, without gradients."""
    folder = tmp_path_factory.mktemp("small") / "corpus"
    index = json.loads((find() / "index.json").read_text("utf-8"))
    index["goldens"] = [golden for golden in index["goldens"] if golden["id"].startswith(SMALL)]
    for golden in index["goldens"]:
        golden.pop("gradients", None)  # corpus_with_gradients adds gradients
        content = encode(load(golden["id"]))  # the wheel does not carry every HDF5 file
        for kind, file in golden["files"].items():
            (folder / file["path"]).parent.mkdir(parents=True, exist_ok=True)
            (folder / file["path"]).write_bytes(content[f".{kind}"])
            file["sha256"] = sha256(content[f".{kind}"]).hexdigest()
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    return folder


@pytest.fixture
def corpus_copy(small_corpus: Path, tmp_path: Path) -> Path:
    """A small corpus that a test may damage."""
    return Path(shutil.copytree(small_corpus, tmp_path / "corpus"))


WITH_GRADIENTS = ("documented/single-sequence", "documented/mini-batch", "lstm/lengths")


@pytest.fixture(scope="session")
def corpus_with_gradients(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus in which some goldens have gradients."""
    from factories.gradients import add_gradients

    folder = tmp_path_factory.mktemp("gradients") / "corpus"
    return add_gradients(Path(shutil.copytree(small_corpus, folder)), WITH_GRADIENTS)


@pytest.fixture
def gradients_copy(corpus_with_gradients: Path, tmp_path: Path) -> Path:
    """A small corpus with gradients that a test may damage."""
    return Path(shutil.copytree(corpus_with_gradients, tmp_path / "corpus"))


@pytest.fixture
def make_golden() -> goldens.MakeGolden:
    """A function that creates a golden of any configuration."""
    return goldens.make_golden
