"""``save`` and ``read``: a single golden in a file, without a corpus."""

from pathlib import Path

import pytest
from factories.gradients import with_gradients

import rnn_goldens
from rnn_goldens import encoding
from rnn_goldens.corpus import open_corpus
from rnn_goldens.encoding import gradients_hash


@pytest.mark.parametrize("suffix", encoding.OUTPUTS.suffixes)
def test_a_saved_golden_can_be_read_in_any_of_its_precisions(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    golden = rnn_goldens.load("lstm/lengths", dtype="float32")
    rnn_goldens.save(golden, str(path))
    found = rnn_goldens.read(path, dtype="bfloat16")
    assert encoding.content_hash(found) == encoding.content_hash(golden)
    assert found.dtype == "bfloat16"
    assert rnn_goldens.read(path).dtype == "float64"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", encoding.OUTPUTS.suffixes)
def test_gradients_are_saved_beside_the_golden_and_read_on_request(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    golden = with_gradients("lstm/lengths")
    rnn_goldens.save(golden, path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"mine.gradients{suffix}", path.name]
    assert not rnn_goldens.read(path).has_cotangents
    found = rnn_goldens.read(path, gradients=True)
    assert gradients_hash(found) == gradients_hash(golden)
    assert rnn_goldens.read(path, dtype="bfloat16", gradients=True).cotangents["d_out"].shape == golden.out.shape


def test_a_golden_of_the_core_set_has_the_content_of_its_file(tmp_path: Path) -> None:
    golden = rnn_goldens.load("lstm/large-c")
    assert "core" in golden.features  # only the index has this feature
    rnn_goldens.save(golden, tmp_path / "mine.json")
    assert encoding.content_hash(golden) == open_corpus().entry(golden.id).content
    assert encoding.content_hash(rnn_goldens.read(tmp_path / "mine.json")) == encoding.content_hash(golden)


def test_replacing_a_golden_removes_the_gradients_file_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    rnn_goldens.save(rnn_goldens.load("lstm/plain", gradients=True), path)
    assert (tmp_path / "golden.gradients.json").exists()
    rnn_goldens.save(rnn_goldens.load("gru/plain"), path)
    assert [file.name for file in tmp_path.iterdir()] == ["golden.json"]


def test_missing_gradients_and_gradients_of_another_golden_raise(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    rnn_goldens.save(with_gradients("lstm/lengths"), path)
    rnn_goldens.save(rnn_goldens.load("lstm/plain"), tmp_path / "plain.json")
    (tmp_path / "plain.json").replace(path)
    with pytest.raises(rnn_goldens.InvalidFile, match=r"golden: the gradients are of .*, lstm/plain has content"):
        rnn_goldens.read(path, gradients=True)
    (tmp_path / "mine.gradients.json").unlink()
    with pytest.raises(rnn_goldens.InvalidFile, match=r"mine\.gradients\.json"):
        rnn_goldens.read(path, gradients=True)


def test_a_golden_that_cannot_be_written_leaves_the_folder_unchanged(tmp_path: Path) -> None:
    golden = rnn_goldens.load("lstm/plain")
    with pytest.raises(rnn_goldens.RnnGoldensError, match=r"mine\.npz: a golden file ends in \.h5 or \.json"):
        rnn_goldens.save(golden, tmp_path / "mine.npz")
    (tmp_path / "mine.json").mkdir()
    with pytest.raises(OSError, match=r"mine\.json"):
        rnn_goldens.save(golden, tmp_path / "mine.json")
    with pytest.raises(FileNotFoundError):
        rnn_goldens.save(golden, tmp_path / "nowhere" / "mine.json")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.json"]


@pytest.mark.parametrize("suffix", [".h5", ".gradients.h5"])
def test_the_error_for_hdf5_that_the_wheel_does_not_carry_says_where_it_is(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "not-in-wheel.txt").write_text(f"lstm/plain{suffix}\n")
    of = None if suffix == ".h5" else rnn_goldens.load("lstm/plain")
    with pytest.raises(rnn_goldens.InvalidFile) as raised:
        encoding.read(tmp_path / f"lstm/plain{suffix}", of=of)
    assert str(raised.value).endswith(
        "is not in the wheel, which has HDF5 of the documented goldens only\n"
        "It is in the repository, the sdist and, for its goldens, the release archive. Or write it:\n"
        "  rnn-goldens export lstm/plain --to hdf5 FOLDER"
    )


def test_the_error_for_a_golden_of_kernels_names_the_extra_that_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "not-in-wheel.txt").write_text("kernels/gru/256-units.h5\n")
    with pytest.raises(rnn_goldens.InvalidFile) as raised:
        encoding.read(folder / "kernels/gru/256-units.h5")
    assert str(raised.value).endswith("is not in the wheel\nIt is in another: pip install 'rnn-goldens[kernels]'")


def test_only_goldens_are_saved_and_damaged_files_not_read(tmp_path: Path) -> None:
    with pytest.raises(
        rnn_goldens.RnnGoldensError, match=r"^save takes a golden, as load, certify or read return it, not int$"
    ):
        rnn_goldens.save(5, tmp_path / "q.json")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
    path = tmp_path / "mine.json"
    rnn_goldens.save(rnn_goldens.load("lstm/plain"), path)
    path.write_text(path.read_text("utf-8")[:-20], "utf-8")
    with pytest.raises(rnn_goldens.InvalidFile, match="not JSON"):
        rnn_goldens.read(path)
