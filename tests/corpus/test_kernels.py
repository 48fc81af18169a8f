"""Goldens at the sizes of kernels are a corpus of their own, of which the wheel has one for each recurrence."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rnn_goldens
from rnn_goldens import UnknownName
from rnn_goldens.corpus import KERNELS, Corpus, open_corpora, open_corpus, packaged
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.scenarios.recurrences import MODELS
from rnn_goldens.golden.features import KERNEL_SIZE
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations import numpy_cells

HERE, ELSEWHERE = "kernels/rg-lru/256-channels", "kernels/rg-lru/256-channels-257-steps"


def test_they_have_a_feature_and_one_file_and_the_built_in_corpus_has_none_of_them() -> None:
    entries = open_corpus(KERNELS).entries
    assert {entry.cell for entry in entries} >= set(RECURRENCES) - set(MODELS)
    for entry in entries:
        assert KERNEL_SIZE in entry.features
        assert set(entry.files) == {"h5"}
    assert not any(KERNEL_SIZE in entry.features for entry in open_corpus().entries)


def test_one_is_loaded_and_checked_by_the_name_of_the_corpus() -> None:
    golden = rnn_goldens.load(HERE, corpus=KERNELS, gradients=True)
    assert golden.inputs["x"].shape == (1, 33, 256)
    golden.check(*numpy_cells.run(golden.for_implementation()))
    assert [one.id for one in rnn_goldens.select(ids=HERE, corpus=KERNELS)] == [HERE]
    assert open_corpora("v2,kernels").entry(HERE).cell == "rg_lru"


def test_without_a_cell_all_of_its_cells_are_selected() -> None:
    corpus = open_corpus(KERNELS)
    assert corpus.select() == list(corpus.entries)
    assert not {entry.cell for entry in open_corpora("v2,kernels").select()} & {*RECURRENCES}


def test_another_corpus_says_where_they_are() -> None:
    cases: list[dict[str, Any]] = [{"ids": HERE}, {"ids": "kernels/*"}, {"features": KERNEL_SIZE}]
    for arguments in cases:
        with pytest.raises(
            WrongUse, match="a corpus of its own: --corpus kernels, in pytest --rnn-goldens-corpus=kernels"
        ):
            rnn_goldens.select(**arguments)
    with pytest.raises(WrongUse, match="corpus='kernels'"):
        rnn_goldens.load(HERE)
    with pytest.raises(UnknownName, match=f"Did you mean '{HERE}'"):
        rnn_goldens.load("kernels/rg-lru/256-channel", corpus=KERNELS)


@pytest.fixture
def in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package rnn_goldens_kernels."""
    folder = tmp_path / "rnn_goldens_kernels"
    shutil.copytree(open_corpus(KERNELS).folder, folder)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    packaged.cache_clear()
    yield folder
    packaged.cache_clear()


def test_an_installed_package_has_the_corpus(in_a_package: Path) -> None:
    corpus = open_corpus(KERNELS)
    assert (corpus.folder, corpus.is_packaged) == (in_a_package, True)


def test_what_a_wheel_leaves_out_says_which_package_has_it(in_a_package: Path) -> None:
    left_out = [f"{ELSEWHERE}.h5", f"{HERE}.gradients.h5"]
    for name in left_out:
        (in_a_package / name).unlink()
    (in_a_package / "not-in-wheel.txt").write_text("".join(f"{name}\n" for name in left_out))
    corpus = open_corpus(KERNELS)
    assert isinstance(corpus, Corpus)
    assert ELSEWHERE not in corpus.ids
    for use in (lambda: corpus.load(ELSEWHERE), lambda: corpus.select(ids=ELSEWHERE)):
        with pytest.raises(WrongUse, match=r"not installed: pip install 'rnn-goldens\[kernels\]'"):
            use()
    assert corpus.entry(HERE).gradient_precisions == ()
    with pytest.raises(UnknownName, match="no golden with gradients"):
        corpus.load(HERE, gradients=True)
    assert corpus.select(ids="kernels/rg-lru/*", gradients=True) == []
