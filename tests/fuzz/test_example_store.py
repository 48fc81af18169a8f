"""Failing goldens are stored in a corpus, which is extended and read again; other folders are never overwritten."""

import re
import sys
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import Phase, given, seed, settings

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.validation import findings
from rnn_goldens.errors import InvalidFile, WrongUse
from rnn_goldens.fuzz.bounds import Sizes, bounds
from rnn_goldens.fuzz.example_store import AsTyped, command, keep, kept, require_folder, try_to_keep
from rnn_goldens.fuzz.strategy import drawn
from rnn_goldens.generator.corpus_replacement import folder_lock

LSTM = bounds("lstm", Sizes(), (), (), ["float32"])


@pytest.fixture(scope="module")
def goldens() -> list[Golden]:
    drawn_goldens: dict[str, Golden] = {}

    @seed(0)
    @settings(max_examples=20, database=None, phases=[Phase.generate])
    @given(drawn(LSTM))
    def draw(golden: Golden) -> None:
        drawn_goldens[golden.id] = golden

    draw()
    return list(drawn_goldens.values())[:2]


def test_stored_goldens_are_a_valid_corpus_that_grows(tmp_path: Path, goldens: list[Golden]) -> None:
    folder = tmp_path / "new" / "found"
    for golden in (*goldens, goldens[0]):
        keep(golden, folder)
    assert [entry.id for entry in open_corpus(folder).entries] == [golden.id for golden in goldens]
    assert findings(folder / "index.json") == []
    assert [golden.id for golden in kept(folder, LSTM)] == [golden.id for golden in goldens]


@pytest.mark.slow
def test_only_goldens_within_bounds_are_tried_again(tmp_path: Path, goldens: list[Golden]) -> None:
    assert kept(tmp_path / "none", LSTM) == []
    keep(goldens[0], tmp_path / "found")
    assert kept(tmp_path / "found", bounds("gru", Sizes(), (), (), "float32")) == []
    assert kept(tmp_path / "found", bounds("lstm", Sizes(time=1, hidden=1, input=1, batch=1), (), (), "float32")) == []
    both = kept(tmp_path / "found", bounds("lstm", Sizes(), (), (), ["float64", "float32"]))
    assert [golden.dtype for golden in both] == ["float32", "float64"]


def test_goldens_that_another_network_failed_are_not_tried_again(tmp_path: Path, goldens: list[Golden]) -> None:
    folder, (one, other) = tmp_path / "found", goldens
    try_to_keep(one, folder, "my:LSTM")
    try_to_keep(other, folder)  # without the name of a network
    ids = {network: [golden.id for golden in kept(folder, LSTM, network)] for network in ("my:LSTM", "my:Other", "")}
    assert ids == {"my:LSTM": [one.id, other.id], "my:Other": [other.id], "": [one.id, other.id]}
    assert findings(folder / "index.json") == []
    for network in ("my:Other", "my:LSTM"):
        try_to_keep(one, folder, network)
    assert [golden.id for golden in kept(folder, LSTM, "my:Third")] == [one.id, other.id]


def test_the_name_of_a_network_may_have_any_characters(tmp_path: Path, goldens: list[Golden]) -> None:
    folder, command = tmp_path / "found", f"-- python -c 'a\nb\t\x1b[2J' {'x' * 1000}"
    assert try_to_keep(goldens[0], folder, command)[0]
    assert len(kept(folder, LSTM, command)) == 1
    assert kept(folder, LSTM, "my:LSTM") == []


def test_a_folder_with_other_content_is_an_error_and_unchanged(
    tmp_path: Path, small_corpus: Path, goldens: list[Golden]
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    index = (small_corpus / "index.json").read_bytes()
    for folder, message in (
        (tmp_path / "file", "is a file"),
        (tmp_path / "file" / "below", "is a file, not a folder"),
        (tmp_path / "full", "is not empty and has no index.json"),
        (small_corpus, "has the corpus rnn-goldens"),
    ):
        with pytest.raises(WrongUse, match=message):
            keep(goldens[0], folder)
        where, text = try_to_keep(goldens[0], folder)
        assert where == ""
        assert text.startswith(f"not kept: {folder}")
    assert (small_corpus / "index.json").read_bytes() == index
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that even root cannot write to")
def test_a_folder_that_cannot_be_written_to_is_an_error(goldens: list[Golden]) -> None:
    with pytest.raises(WrongUse, match="/proc/found"):
        keep(goldens[0], "/proc/found")


def test_the_command_checks_the_compared_outputs_of_one_golden_in_its_precision(goldens: list[Golden]) -> None:
    golden, name = goldens[0], goldens[0].id.partition("/")[2]
    assert command(golden, "f", "my:rnn") == f"rnn-goldens check my:rnn --rnn-goldens-corpus=f -k {name}"
    in_float64 = f"rnn-goldens check --rnn-goldens-corpus=f --rnn-goldens-dtype=float64 -k {name} -- ./my rnn"
    assert command(golden.in_precision("float64"), "f", "-- ./my rnn") == in_float64
    of_out = f"rnn-goldens check my:rnn --rnn-goldens-corpus=f --outputs=out -k {name}"
    assert command(golden.comparing("out"), "f", "my:rnn") == of_out


def test_keep_waits_for_another_writer(tmp_path: Path, goldens: list[Golden]) -> None:
    folder = tmp_path / "found"
    with folder_lock(folder):
        keeping = Thread(target=keep, args=(goldens[0], folder))
        keeping.start()
        keeping.join(0.5)
        assert keeping.is_alive()
    keeping.join()
    assert [golden.id for golden in kept(folder, LSTM)] == [goldens[0].id]


def test_a_folder_is_relative_to_the_first_working_directory_and_printed_as_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goldens: list[Golden]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = AsTyped("some/found")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    where, message = try_to_keep(goldens[0], folder)
    assert where == "some/found"
    assert "--rnn-goldens-corpus=some/found -k" in message
    assert (tmp_path / "some/found/index.json").is_file()


def test_a_folder_that_cannot_be_created_or_replaced_is_an_error_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    for below in ("found", "new/found"):
        with pytest.raises(WrongUse, match=r"file is a file, not a folder; name another"):
            require_folder(tmp_path / "file" / below)
        require_folder(tmp_path / below)
        if sys.platform == "linux":
            with pytest.raises(WrongUse, match=r"/proc cannot be written to: .*name another folder"):
                require_folder(Path("/proc", below))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(WrongUse, match="is replaced as a whole, which is impossible from inside it"):
        require_folder(".")


def test_the_remedy_for_a_damaged_folder_is_to_delete_it(tmp_path: Path, goldens: list[Golden]) -> None:
    folder = tmp_path / "found"
    keep(goldens[0], folder)
    (golden,) = (folder / "drawn").glob("*.json")
    remedy = f"Delete the folder {re.escape(str(folder))}, or name another folder for failing goldens.$"
    golden.write_text("{}")
    with pytest.raises(InvalidFile, match=remedy):
        kept(folder, LSTM)
    (folder / "index.json").write_text("{}")
    for use in (require_folder, partial(keep, goldens[0])):
        with pytest.raises(InvalidFile, match=remedy) as error:
            use(folder)
        assert "rnn-goldens generate" not in str(error.value)
