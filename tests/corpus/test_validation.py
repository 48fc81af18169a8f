"""Validation of files and corpora, and links out of a corpus."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from rnn_goldens import InvalidFile, load, read
from rnn_goldens.corpus import find, open_folder
from rnn_goldens.corpus.validation import files_in, findings, listed_by
from rnn_goldens.encoding.untrusted_files import Bounds


def all_findings(folder: Path) -> list[str]:
    return [finding for file in files_in(folder) for finding in findings(file)]


def change_index(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> Path:
    """Change the entries of an index; return the path of the index."""
    index = json.loads((folder / "index.json").read_text())
    change(index["goldens"])
    (folder / "index.json").write_text(json.dumps(index))
    return folder / "index.json"


@pytest.mark.slow
def test_the_committed_corpus_is_valid() -> None:
    fixtures = find().parent
    files = files_in(fixtures)
    assert len(files) >= 9
    indexes = [fixtures / "v2/index.json", fixtures / "kernels/index.json"]
    listed = listed_by(indexes[0]) | listed_by(indexes[1])
    assert {file.name for file in {*files} - listed} == {"index.json", "gradients-kill-matrix.json", "kill-matrix.json"}
    assert [*findings(indexes[0]), *findings(indexes[1]), *findings(fixtures / "v2/kill-matrix.json")] == []


def test_a_changed_digit_is_found_by_the_hash_of_the_file(corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.json"
    path.write_text(path.read_text().replace("51.0", "52.0"))
    assert "SHA-256" in all_findings(corpus_copy)[0]


def test_an_index_that_differs_from_its_files_or_lists_a_golden_twice_is_found(corpus_copy: Path) -> None:
    wrong = {"purpose": "Another.", "content": "0" * 64}
    found = "\n".join(findings(change_index(corpus_copy, lambda goldens: goldens[0].update(wrong))))
    assert "purpose: is 'The smallest complete example" in found
    assert "index.json lists 'Another.'" in found
    assert f"content hash: is '{open_folder(find()).entries[0].content}', index.json lists '{'0' * 64}'" in found
    path = change_index(corpus_copy, lambda goldens: goldens.append(goldens[1]))
    assert "lists documented/mini-batch twice" in "\n".join(findings(path))


def test_a_golden_that_the_index_does_not_list_is_found(corpus_copy: Path) -> None:
    shutil.copy(corpus_copy / "documented/mini-batch.json", corpus_copy / "documented/stray.json")
    (corpus_copy / "documented/notes.json").write_text('{"kind": "notes"}')
    found = findings(corpus_copy / "index.json")
    assert [line.partition(":")[0] for line in found] == [str(corpus_copy / "documented/stray.json")]


def test_hidden_files_are_ignored(corpus_copy: Path) -> None:
    shutil.copytree(corpus_copy, corpus_copy / ".v2.new")
    assert not any(".v2.new" in str(file) for file in files_in(corpus_copy))


def test_a_difference_between_the_two_files_of_a_golden_is_found(corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.h5"
    with h5py.File(path, "r+") as file:
        file["expected/out"][0, 0, 0] = 4.0
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    index = change_index(corpus_copy, lambda goldens: goldens[1]["files"]["h5"].update(sha256=sha256))
    assert any("content hash" in finding and "mini-batch.h5" in finding for finding in findings(index))


def test_only_hdf5_that_the_wheel_does_not_carry_may_be_missing(corpus_copy: Path) -> None:
    golden = corpus_copy / "documented/mini-batch"
    golden.with_suffix(".h5").unlink()
    (missing,) = findings(corpus_copy / "index.json")
    assert "mini-batch.h5: is listed in index.json but cannot be read: No such file" in missing
    (corpus_copy / "not-in-wheel.txt").write_text("documented/mini-batch.h5\ndocumented/mini-batch.json\n")
    assert findings(corpus_copy / "index.json") == []
    golden.with_suffix(".json").unlink()
    (missing,) = findings(corpus_copy / "index.json")
    assert "mini-batch.json: is listed in index.json but cannot be read: No such file" in missing


def test_hdf5_that_the_wheel_does_not_carry_is_checked_if_it_is_there(corpus_copy: Path) -> None:
    (corpus_copy / "not-in-wheel.txt").write_text("documented/mini-batch.h5\n")
    (corpus_copy / "documented/mini-batch.h5").write_bytes(b"damaged")
    assert "mini-batch.h5: SHA-256 is" in "".join(findings(corpus_copy / "index.json"))


def test_circular_links_cannot_be_read(corpus_copy: Path) -> None:
    circle = corpus_copy / "documented/circle.json"
    circle.symlink_to(circle)
    assert findings(corpus_copy / "index.json") == []
    assert findings(circle) == [f"{circle}: cannot be read: Too many levels of symbolic links"]


def test_a_corpus_in_a_folder_named_like_a_version_is_validated(
    corpus_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus_copy.rename(corpus_copy.parent / "v2")  # the packaged corpus is also named v2
    monkeypatch.chdir(corpus_copy.parent)
    Path("v2/documented/mini-batch.json").unlink()
    assert "is listed in index.json but cannot be read" in "\n".join(findings(Path("v2/index.json")))


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ('"kind": "index",', '"kind": "index", "kind": "index",'),
        ('"cell": "rnn_relu",', '"cell": "lstm", "cell": "rnn_relu",'),
        ('"purpose": ', '"purpose": "x", "purpose": '),
    ],
)
def test_a_duplicate_key_in_an_index_is_found(
    corpus_copy: Path, monkeypatch: pytest.MonkeyPatch, text: str, twice: str
) -> None:
    path = corpus_copy / "index.json"
    path.write_text(path.read_text("utf-8").replace(text, twice, 1), "utf-8")
    with pytest.raises(InvalidFile, match=r"the key '.*' occurs twice"):
        open_folder(corpus_copy)
    monkeypatch.setattr("rnn_goldens.corpus.index.OTHER", Bounds(mebibytes=0, values=0, objects=0))
    os.utime(path, (1, 1))  # so that the index is read again
    open_folder(corpus_copy)  # in a large index, duplicate keys are not searched for
    (finding,) = findings(path)
    assert "occurs twice in one object" in finding


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
