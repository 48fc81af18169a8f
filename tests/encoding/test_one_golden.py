"""One golden as a file, without a corpus."""

from pathlib import Path

import pytest

import rnn_goldens
from rnn_goldens import encoding


@pytest.mark.parametrize("suffix", encoding.SUFFIXES)
def test_what_is_saved_is_read_whatever_precision_it_was_in(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    golden = rnn_goldens.load("lstm/lengths", dtype="float32")
    rnn_goldens.save(golden, str(path))
    found = rnn_goldens.read(path, dtype="bfloat16")
    assert encoding.content_hash(found) == encoding.content_hash(golden)
    assert found.dtype == "bfloat16"
    assert rnn_goldens.read(path).dtype == "float64"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_can_not_be_written_stays_as_it_was(tmp_path: Path) -> None:
    golden = rnn_goldens.load("lstm/plain")
    with pytest.raises(rnn_goldens.RnnGoldensError, match=r"mine\.npz: a golden file ends in \.h5 or \.json"):
        rnn_goldens.save(golden, tmp_path / "mine.npz")
    (tmp_path / "mine.json").mkdir()
    with pytest.raises(OSError, match=r"mine\.json"):
        rnn_goldens.save(golden, tmp_path / "mine.json")
    with pytest.raises(FileNotFoundError):
        rnn_goldens.save(golden, tmp_path / "nowhere" / "mine.json")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.json"]


def test_a_damaged_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    rnn_goldens.save(rnn_goldens.load("lstm/plain"), path)
    path.write_text(path.read_text("utf-8")[:-20], "utf-8")
    with pytest.raises(rnn_goldens.InvalidFile, match="not JSON"):
        rnn_goldens.read(path)


def test_what_is_no_golden_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(
        rnn_goldens.RnnGoldensError, match=r"^save takes a golden, such as load, certify or read return, not int$"
    ):
        rnn_goldens.save(5, tmp_path / "q.json")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
