"""Files are written atomically: completely or not at all."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories.killed_process import killed

from rnn_goldens.atomic_write import placing, write_together, write_whole

WITH_FILE_SIZE_LIMIT = """
import resource, signal, sys
from pathlib import Path
from rnn_goldens.atomic_write import write_whole

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path(sys.argv[1]), bytes(5000))
except OSError as error:
    print(error.filename, error.strerror, error, sep="\\n")
"""


def interrupted(*_: object) -> None:
    signal.default_int_handler(signal.SIGINT, None)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.parametrize("before", [b"old", None])
def test_a_file_size_limit_leaves_the_old_file_and_nothing_else(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "report.json"
    if before is not None:
        path.write_bytes(before)
    done = subprocess.run(
        [sys.executable, "-B", "-c", WITH_FILE_SIZE_LIMIT, str(path)], capture_output=True, text=True, check=True
    )
    reason = os.strerror(errno.EFBIG)
    assert done.stdout.splitlines() == [str(path), reason, f"[Errno {errno.EFBIG}] {reason}: {str(path)!r}"]
    assert (path.read_bytes() if path.exists() else None) == before
    assert names_in(tmp_path) == ([] if before is None else ["report.json"])


def test_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")

    monkeypatch.setattr("rnn_goldens.atomic_write.exchanged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["report.json"]


@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_replaced_or_created_and_the_link_remains(tmp_path: Path, *, exists: bool) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "there.json", tmp_path / "link.json"
    if exists:
        target.write_bytes(b"old")
    link.symlink_to("kept/there.json")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names_in(tmp_path / "kept") == ["there.json"]


def test_a_circular_link_is_an_error_that_names_the_link(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to("link.json")
    with pytest.raises(OSError, match=r"link\.json") as raised:
        write_whole(link, b"new")
    assert raised.value.errno == errno.ELOOP
    assert names_in(tmp_path) == ["link.json"]


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    path.chmod(0o604)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.usefixtures("umask")
def test_a_new_file_respects_the_umask(tmp_path: Path) -> None:
    write_whole(tmp_path / "report.json", b"new")
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["no-such-folder/report.json", "a-file/report.json", "a-folder"])
def test_an_error_names_the_path_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").write_bytes(b"")
    (tmp_path / "a-folder").mkdir()
    with pytest.raises(OSError, match=r"No such file|Not a dir|Is a dir") as raised:
        write_whole(tmp_path / name, b"new")
    assert raised.value.filename == str(tmp_path / name)
    assert names_in(tmp_path) == ["a-file", "a-folder"]


def test_a_pipe_is_refused_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="it is a pipe or a device, not a file"):
        write_whole(pipe, b"new")
    assert pipe.is_fifo()


WORK = """
from rnn_goldens.atomic_write import write_whole

def work(path):
    write_whole(path, b"new")
"""


def test_a_process_killed_at_any_file_operation_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    path, at, is_killed, counts = tmp_path / "report.json", 0, True, set()
    with killed(WORK) as writing:
        while is_killed:
            at += 1
            write_whole(path, b"old")
            assert names_in(tmp_path) == ["report.json"]
            is_killed = writing.is_at(at, path)
            assert path.read_bytes() in (b"old", b"new")
            counts.add(len(names_in(tmp_path)))
    assert at > 3
    assert counts == {1, 2}


def test_the_hidden_folder_of_a_running_process_is_not_removed(tmp_path: Path) -> None:
    path, pipe = tmp_path / "report.json", tmp_path / "pipe"
    os.mkfifo(pipe)
    slow = f"""
import fcntl, os
folder = {str(tmp_path / ".rnn-goldens-writing.1")!r}
os.mkdir(folder)
fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
open({str(pipe)!r}, "w").close()
open({str(pipe)!r}, "r").close()
"""
    with subprocess.Popen([sys.executable, "-c", slow]) as writing:
        pipe.open("r").close()
        write_whole(path, b"new")
        names = names_in(tmp_path)
        writing.kill()
    assert names == [".rnn-goldens-writing.1", "pipe", "report.json"]
    write_whole(path, b"newer")
    assert names_in(tmp_path) == ["pipe", "report.json"]


def test_similar_hidden_files_of_the_user_are_not_removed(tmp_path: Path) -> None:
    (tmp_path / ".report.json.swp").touch()
    (tmp_path / ".other.json.123").touch()
    write_whole(tmp_path / "report.json", b"new")
    assert names_in(tmp_path) == [".other.json.123", ".report.json.swp", "report.json"]


@pytest.mark.parametrize("system", ["linux", "elsewhere"])
def test_several_files_are_all_written_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr("rnn_goldens.atomic_write.sys.platform", system)
    old, gone, folder = tmp_path / "old", tmp_path / "gone", tmp_path / "folder"
    for path in (old, gone):
        path.write_bytes(b"old")
    folder.mkdir()
    contents: dict[Path, bytes | None] = {old: b"new", tmp_path / "new": b"new", gone: None, tmp_path / "none": None}
    with pytest.raises(IsADirectoryError) as raised:
        write_together({**contents, folder: b"new"})
    assert raised.value.filename == str(folder)
    assert names_in(tmp_path) == ["folder", "gone", "old"]
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("rnn_goldens.atomic_write.Staged._move_out", interrupted)
        write_together(contents)
    assert names_in(tmp_path) == ["folder", "gone", "old"]
    assert old.read_bytes() == gone.read_bytes() == b"old"
    write_together(contents)
    assert names_in(tmp_path) == ["folder", "new", "old"]
    assert old.read_bytes() == b"new"


def test_a_folder_is_not_removed_instead_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "mine").write_text("kept")
    with pytest.raises(IsADirectoryError, match="old"):
        write_together({tmp_path / "new": b"new", tmp_path / "old": None})
    assert (tmp_path / "old" / "mine").read_text() == "kept"
    assert not (tmp_path / "new").exists()


REPEATED = """
import sys
from pathlib import Path
from rnn_goldens.atomic_write import write_together
for number in range(150):
    write_together({Path("golden"): sys.argv[1].encode(), Path("gradients"): None if number % 2 else b"some"})
"""


def test_several_processes_that_write_and_remove_the_same_files_do_not_fail(tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", REPEATED, name], cwd=tmp_path) for name in "abc"]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert (tmp_path / "golden").read_bytes() in (b"a", b"b", b"c")
    assert set(names_in(tmp_path)) <= {"golden", "gradients"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fcntl.flock")
def test_writing_works_without_file_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    write_whole(tmp_path / "file", b"new")
    assert names_in(tmp_path) == ["file"]


def test_writing_one_path_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(FileExistsError, match="twice"):
        write_together({tmp_path / "file": b"1", tmp_path / "link": b"2"})
    assert (tmp_path / "file").read_bytes() == b"old"


def test_files_are_replaced_on_a_system_without_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    (tmp_path / "file").write_bytes(b"old")
    write_together({tmp_path / "file": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_link_that_looks_like_a_leftover_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir(mode=0o755)
    (tmp_path / ".rnn-goldens-writing.x").symlink_to(target)
    write_together({tmp_path / "file": b"new"})
    assert target.stat().st_mode & 0o777 == 0o755


def test_the_target_of_a_link_in_a_leftover_is_not_touched(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    (home / "key").write_text("mine")
    leftover = project / ".rnn-goldens-writing.x"
    leftover.mkdir(parents=True)
    (leftover / "old").symlink_to(home)
    write_whole(project / "report.json", b"new")
    assert (home / "key").read_text() == "mine"
    assert [path.name for path in project.iterdir()] == ["report.json"]


def test_a_link_below_the_output_folder_is_not_followed(tmp_path: Path) -> None:
    outside, export = tmp_path / "outside", tmp_path / "export"
    outside.mkdir()
    export.mkdir()
    (export / "lstm").symlink_to(outside)
    with pytest.raises(OSError, match="is a link; it is not followed"), placing() as staged:
        staged.new(export, "lstm/plain.npz").write_bytes(b"new")
    assert list(outside.iterdir()) == []
