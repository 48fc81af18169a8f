"""A corpus folder is replaced completely or not at all, even if the process is killed at any file operation."""

import subprocess
import sys
from pathlib import Path

import pytest
from factories.killed_process import killed

from rnn_goldens.corpus.validation import files_in
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.corpus_replacement import folder_lock, replacing

OLD = {"index.json": b"old index", "a/one.h5": b"old one", "a/two.json": b"old two", "b/three.h5": b"kept"}
NEW = {"index.json": b"new index", "a/one.h5": b"new one", "a/two.json": b"new two"}

WORK = f"""
from rnn_goldens.generator.corpus_replacement import replacing

def work(folder):
    with replacing(folder) as files:
        for name, content in {NEW!r}.items():
            files.write(name, content)
"""

OPERATIONS = frozenset(
    f"os.{name}" for name in ("rename", "mkdir", "rmdir", "remove", "listdir", "scandir", "chmod", "utime")
) | {"open", "shutil.rmtree", "shutil.copyfile"}


def replace_files(folder: Path, contents: dict[str, bytes]) -> None:
    with replacing(folder) as files:
        for name, content in contents.items():
            files.write(name, content)


def clean_up(folder: Path) -> None:
    """Lock and unlock a folder, which removes leftovers as every run does."""
    with folder_lock(folder):
        pass


def test_links_and_leftovers_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / ".v1.lock").symlink_to(other)
    with folder_lock(tmp_path / "v1"):
        assert not (tmp_path / ".v1.lock").is_symlink()
    assert other.read_text() == "mine"
    (tmp_path / ".rnn-goldens-writing.1").touch()  # leftovers of runs are folders
    replace_files(tmp_path / "v1", OLD)
    assert contents(tmp_path / "v1") == OLD
    assert sorted(p.name for p in tmp_path.iterdir()) == [".rnn-goldens-writing.1", "other", "v1"]


def test_targets_of_links_in_the_folder_are_not_written(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "v1"
    for path in (outside, folder / "a"):
        path.mkdir(parents=True)
    (outside / "mine.json").write_text("mine")
    (folder / "a" / "one.json").symlink_to(outside / "mine.json")
    (folder / "b").symlink_to(outside)
    replace_files(folder, {"a/one.json": b"one", "b/mine.json": b"two"})
    assert contents(outside) == {"mine.json": b"mine"}
    assert contents(folder) == {"a/one.json": b"one", "b/mine.json": b"two"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_process_killed_at_any_file_operation_leaves_the_old_or_the_new_files(tmp_path: Path) -> None:
    states, at, is_killed = set(), 0, True
    with killed(WORK, OPERATIONS) as replacing_files:
        while is_killed:
            at += 1
            folder = tmp_path / str(at) / "v1"
            replace_files(folder, OLD)
            is_killed = replacing_files.is_at(at, folder)
            visible = {path.relative_to(folder.parent).parts[0] for path in files_in(folder.parent)}
            assert visible <= {"v1"}
            before_recovery = folder.exists()
            clean_up(folder)
            assert contents(folder) in (OLD, OLD | NEW)
            assert [p.name for p in folder.parent.iterdir()] == ["v1"]
            states.add((before_recovery, contents(folder) == OLD))
    assert at > 10
    assert states == {(True, True), (True, False)}


def test_without_atomic_exchange_the_next_run_restores_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    replace_files(folder, OLD)
    (tmp_path / ".rnn-goldens-writing.1/old").mkdir(parents=True)
    (tmp_path / ".rnn-goldens-writing.1/new/v1").mkdir(parents=True)
    folder.rename(tmp_path / ".rnn-goldens-writing.1/old/v1")
    clean_up(folder)
    assert contents(folder) == OLD
    assert [p.name for p in tmp_path.iterdir()] == ["v1"]


def test_replacing_without_exchange_has_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnn_goldens.atomic_write.sys.platform", "elsewhere")
    folder = tmp_path / "v1"
    replace_files(folder, OLD)
    replace_files(folder, NEW)
    assert contents(folder) == OLD | NEW
    assert [p.name for p in tmp_path.iterdir()] == ["v1"]


def test_a_write_error_leaves_no_temporary_files(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    replace_files(folder, OLD)
    with pytest.raises(OSError, match="File name too long"):
        replace_files(folder, {**NEW, "x" * 300: b"no file system takes this name"})
    assert contents(folder) == OLD
    assert [p.name for p in tmp_path.iterdir()] == ["v1"]


def test_unchanged_files_are_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    replace_files(folder, OLD)
    inode = folder.stat().st_ino
    replace_files(folder, OLD)
    assert folder.stat().st_ino == inode
    replace_files(folder, NEW)
    assert folder.stat().st_ino != inode


def test_the_working_directory_and_a_mount_point_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "v1"
    replace_files(folder, OLD)
    monkeypatch.chdir(folder / "a")
    with pytest.raises(WrongUse, match=r"v1 is replaced as a whole, which is impossible from inside it"):
        replace_files(folder, NEW)
    assert contents(folder) == OLD
    with pytest.raises(WrongUse, match="/proc is a mount point, which cannot be replaced as a whole"):
        replace_files(Path("/proc"), NEW)


LIMITED = """
import resource, sys
from pathlib import Path
from rnn_goldens.generator.corpus_replacement import replacing
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    with replacing(Path(sys.argv[1])) as files:
        files.write("a/one.h5", bytes(int(sys.argv[2])))
except OSError as error:
    print(error.filename, error.strerror, sep="\\n")
"""


@pytest.mark.parametrize("size", [1000, 3])
def test_an_error_at_the_file_size_limit_while_writing_or_copying_names_the_file(tmp_path: Path, size: int) -> None:
    if size < 100:
        replace_files(tmp_path / "v1", {f"a/{number}.h5": bytes(1000) for number in range(9)})
    before = list(tmp_path.iterdir())
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "v1"), str(size)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout == f"{tmp_path / 'v1/a/one.h5'}\nFile too large\n"
    assert list(tmp_path.iterdir()) == before


def test_created_parent_folders_are_removed_if_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), folder_lock(tmp_path / "a/b/v1"):
        assert (tmp_path / "a/b").is_dir()
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(WrongUse, match="file is a file, not a folder"), folder_lock(tmp_path / "file/a/v1"):
        pass


TAKES_TURNS = """
import sys, time
from pathlib import Path
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.corpus_replacement import folder_lock

folder = Path(sys.argv[1])
locked, end = 0, time.monotonic() + 1.5
while time.monotonic() < end:
    try:
        with folder_lock(folder):
            (folder.parent / "mine").touch(exist_ok=False)
            (folder.parent / "mine").unlink()
            locked += 1
    except WrongUse:
        pass
print(locked)
"""


@pytest.mark.slow
def test_two_processes_never_lock_a_folder_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKES_TURNS, str(tmp_path / "v1")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in running:
        output, errors = process.communicate()
        assert errors == ""
        assert int(output) > 10
