"""A link out of a corpus is followed only if the user names the link; pipes and devices are not read."""

import os
import shutil
from pathlib import Path

import pytest

from rnn_goldens import InvalidFile, load, read
from rnn_goldens.corpus.validation import files_in, findings

GOLDEN = "documented/mini-batch"


def outside(corpus: Path, name: str) -> Path:
    """Move a file or folder out of a corpus and replace it by a link to the new path; return the link."""
    in_corpus, moved = corpus / name, corpus.parent / Path(name).name
    shutil.move(in_corpus, moved)
    in_corpus.symlink_to(moved)
    return in_corpus


@pytest.mark.parametrize("name", [f"{GOLDEN}.json", "documented", "index.json"])
def test_a_link_out_of_a_corpus_is_not_followed(name: str, corpus_copy: Path) -> None:
    outside(corpus_copy, name)
    with pytest.raises(InvalidFile, match=r"is a link to a path outside .*; it is not followed"):
        load(GOLDEN, corpus=corpus_copy)


def test_a_link_within_a_corpus_and_one_to_a_corpus_are_followed(corpus_copy: Path) -> None:
    path = corpus_copy / f"{GOLDEN}.json"
    path.rename(corpus_copy / "elsewhere.json")
    path.symlink_to("../elsewhere.json")
    link = corpus_copy.parent / "link"
    link.symlink_to(corpus_copy)
    assert load(GOLDEN, corpus=corpus_copy).id == load(GOLDEN, corpus=link).id == GOLDEN


def test_a_link_is_followed_if_named_by_the_user_but_not_if_found_in_a_folder(corpus_copy: Path) -> None:
    link = outside(corpus_copy, f"{GOLDEN}.json")
    assert read(link).id == GOLDEN
    assert findings(link) == []
    assert "is a link to a path outside" in findings(link, below=corpus_copy)[0]


@pytest.mark.parametrize("suffix", [".json", ".h5"])
def test_opening_a_pipe_without_a_writer_does_not_block(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"golden{suffix}"
    os.mkfifo(path)
    with pytest.raises(InvalidFile, match=r"is a pipe or a device, not a file$"):
        read(path)


def test_validate_finds_a_pipe_in_a_folder(corpus_copy: Path) -> None:
    os.mkfifo(corpus_copy / "documented/pipe.json")
    (found,) = (finding for file in files_in(corpus_copy) for finding in findings(file))
    assert found.endswith("pipe.json: is a pipe or a device, not a file")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin"])
def test_a_device_is_not_read(device: str, tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.symlink_to(device)
    with pytest.raises(InvalidFile, match=r"is a pipe or a device, not a file$|cannot be read"):
        read(path)


def test_a_file_that_reports_no_size_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.symlink_to("/proc/self/mountinfo")
    with pytest.raises(InvalidFile, match="not JSON"):
        read(path)
