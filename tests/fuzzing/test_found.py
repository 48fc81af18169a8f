"""What was found is a corpus: it is added to, read again, and never becomes another one."""

import re
import sys
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import Phase, given, seed, settings

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.validating import findings
from rnn_goldens.errors import InvalidFile, WrongUse
from rnn_goldens.fuzzing.bounds import Sizes, bounds
from rnn_goldens.fuzzing.found import AsTyped, command, keep, kept, kept_and_said, require_folder
from rnn_goldens.fuzzing.strategy import drawn
from rnn_goldens.generator.folder import alone

LSTM = bounds("lstm", Sizes(), (), (), ["float32"])


@pytest.fixture(scope="module")
def two() -> list[Golden]:
    found: dict[str, Golden] = {}

    @seed(0)
    @settings(max_examples=20, database=None, phases=[Phase.generate])
    @given(drawn(LSTM))
    def draw(golden: Golden) -> None:
        found[golden.id] = golden

    draw()
    return list(found.values())[:2]


def test_what_is_kept_is_a_valid_corpus_that_grows(tmp_path: Path, two: list[Golden]) -> None:
    folder = tmp_path / "new" / "found"
    for golden in (*two, two[0]):
        keep(golden, folder)
    assert [entry.id for entry in open_corpus(folder).entries] == [golden.id for golden in two]
    assert findings(folder / "index.json") == []
    assert [golden.id for golden in kept(folder, LSTM)] == [golden.id for golden in two]


@pytest.mark.slow
def test_only_what_could_be_drawn_is_asked_again(tmp_path: Path, two: list[Golden]) -> None:
    assert kept(tmp_path / "none", LSTM) == []
    keep(two[0], tmp_path / "found")
    assert kept(tmp_path / "found", bounds("gru", Sizes(), (), (), "float32")) == []
    assert kept(tmp_path / "found", bounds("lstm", Sizes(time=1, hidden=1, input=1, batch=1), (), (), "float32")) == []
    both = kept(tmp_path / "found", bounds("lstm", Sizes(), (), (), ["float64", "float32"]))
    assert [golden.dtype for golden in both] == ["float32", "float64"]


def test_what_was_found_with_another_network_is_not_asked_again(tmp_path: Path, two: list[Golden]) -> None:
    folder, (one, other) = tmp_path / "found", two
    kept_and_said(one, folder, "my:LSTM")
    kept_and_said(other, folder)  # with whatever network a test has
    ids = {network: [golden.id for golden in kept(folder, LSTM, network)] for network in ("my:LSTM", "my:Other", "")}
    assert ids == {"my:LSTM": [one.id, other.id], "my:Other": [other.id], "": [one.id, other.id]}
    assert findings(folder / "index.json") == []
    for network in ("my:Other", "my:LSTM"):
        kept_and_said(one, folder, network)
    assert [golden.id for golden in kept(folder, LSTM, "my:Third")] == [one.id, other.id]


def test_a_network_may_be_called_anything(tmp_path: Path, two: list[Golden]) -> None:
    folder, command = tmp_path / "found", f"-- python -c 'a\nb\t\x1b[2J' {'x' * 1000}"
    assert kept_and_said(two[0], folder, command)[0]
    assert len(kept(folder, LSTM, command)) == 1
    assert kept(folder, LSTM, "my:LSTM") == []


def test_a_folder_that_is_something_else_is_an_error_and_stays_as_it_is(
    tmp_path: Path, small_corpus: Path, two: list[Golden]
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    index = (small_corpus / "index.json").read_bytes()
    for folder, message in (
        (tmp_path / "file", "is a file"),
        (tmp_path / "file" / "below", "is a file, not a folder"),
        (tmp_path / "full", "is not empty and holds no index.json"),
        (small_corpus, "holds the corpus rnn-goldens"),
    ):
        with pytest.raises(WrongUse, match=message):
            keep(two[0], folder)
        where, said = kept_and_said(two[0], folder)
        assert where == ""
        assert said.startswith(f"not kept: {folder}")
    assert (small_corpus / "index.json").read_bytes() == index
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="where there is a folder that nobody can write to, root included")
def test_a_folder_that_can_not_be_written_to_is_an_error(two: list[Golden]) -> None:
    with pytest.raises(WrongUse, match="/proc/found"):
        keep(two[0], "/proc/found")


def test_the_command_that_checks_one_alone_is_the_one_to_type(two: list[Golden]) -> None:
    golden, name = two[0], two[0].id.partition("/")[2]
    assert command(golden, "f", "my:rnn") == f"rnn-goldens check my:rnn --rnn-goldens-corpus=f -k {name}"
    in_float64 = f"rnn-goldens check --rnn-goldens-corpus=f --rnn-goldens-dtype=float64 -k {name} -- ./my rnn"
    assert command(golden.in_precision("float64"), "f", "-- ./my rnn") == in_float64


def test_another_writer_is_waited_for(tmp_path: Path, two: list[Golden]) -> None:
    folder = tmp_path / "found"
    with alone(folder):
        keeping = Thread(target=keep, args=(two[0], folder))
        keeping.start()
        keeping.join(0.5)
        assert keeping.is_alive()
    keeping.join()
    assert [golden.id for golden in kept(folder, LSTM)] == [two[0].id]


def test_a_folder_is_where_it_was_when_it_was_named_and_called_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two: list[Golden]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = AsTyped("some/found")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    where, said = kept_and_said(two[0], folder)
    assert where == "some/found"
    assert "--rnn-goldens-corpus=some/found -k" in said
    assert (tmp_path / "some/found/index.json").is_file()


@pytest.mark.parametrize("below", ["found", "new/found"])
def test_a_folder_that_can_not_be_made_is_said_before_anything_is_found(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WrongUse, match=r"file is a file, not a folder; name another"):
        require_folder(tmp_path / "file" / below)
    require_folder(tmp_path / below)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    if sys.platform == "linux":
        with pytest.raises(WrongUse, match=r"/proc can not be written to: .*name another folder"):
            require_folder(Path("/proc", below))


def test_a_folder_that_can_not_be_replaced_is_said_before_anything_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUse, match="is replaced as a whole, and can not be while it is the current folder"):
        require_folder(".")


def test_what_to_do_about_a_damaged_one_is_to_delete_it(tmp_path: Path, two: list[Golden]) -> None:
    folder = tmp_path / "found"
    keep(two[0], folder)
    (golden,) = (folder / "drawn").glob("*.json")
    remedy = f"Delete the folder {re.escape(str(folder))}, or name another for what is found.$"
    golden.write_text("{}")
    with pytest.raises(InvalidFile, match=remedy):
        kept(folder, LSTM)
    (folder / "index.json").write_text("{}")
    for ask in (require_folder, partial(keep, two[0])):
        with pytest.raises(InvalidFile, match=remedy) as error:
            ask(folder)
        assert "rnn-goldens generate" not in str(error.value)
